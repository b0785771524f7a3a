import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { classifyPgError } from './classify-pg-error.js';
import { createPool, WRITER_SESSION } from './create-pool.js';
import { pgArray, type PgArrayElement } from './pg-array.js';
import { withTransaction } from './with-transaction.js';

describe('Postgres helpers', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase({ migrated: false });
    await database.pool.query('CREATE TABLE t (n int PRIMARY KEY)');
  });
  afterAll(() => database.drop());
  afterEach(() => database.pool.query('TRUNCATE t'));

  const numbers = async (): Promise<number[]> =>
    (await database.pool.query<{ n: number }>('SELECT n FROM t ORDER BY n')).rows.map((row) => row.n);

  describe('pgArray', () => {
    const roundTrip = async (type: string, values: PgArrayElement[]): Promise<unknown[]> => {
      const { rows } = await database.pool.query<{ v: unknown }>(
        `SELECT v FROM unnest($1::${type}[]) WITH ORDINALITY AS u(v, i) ORDER BY i`,
        [pgArray(values)],
      );
      return rows.map((row) => row.v);
    };

    it('carries any text', async () => {
      const texts = [
        '',
        'a',
        'NULL',
        'null',
        '"',
        '\\',
        '\\"',
        'a,b',
        '{x}',
        ' spaced ',
        'é😀',
        '\n\t',
        "o'hara",
        null,
      ];
      expect(await roundTrip('text', texts)).toEqual(texts);
    });

    it('carries numbers, booleans and bytes', async () => {
      expect(await roundTrip('int8', [1, -2n, 9_007_199_254_740_993n, null])).toEqual([
        '1',
        '-2',
        '9007199254740993',
        null,
      ]);
      expect(await roundTrip('float8', [1.5, Number.NaN, Number.POSITIVE_INFINITY])).toEqual([
        1.5,
        Number.NaN,
        Infinity,
      ]);
      expect(await roundTrip('bool', [true, false, null])).toEqual([true, false, null]);
      const bytes = [Buffer.from([0, 1, 92, 34, 255]), Buffer.alloc(0)];
      expect(await roundTrip('bytea', bytes)).toEqual(bytes);
      expect(await roundTrip('text', [])).toEqual([]);
    });
  });

  describe('withTransaction', () => {
    it('commits what the work did, and answers with its result', async () => {
      const result = await withTransaction(database.pool, async (client) => {
        await client.query('INSERT INTO t VALUES (1)');
        return 'done';
      });
      expect(result).toBe('done');
      expect(await numbers()).toEqual([1]);
    });

    it('rolls back and throws on what the work threw', async () => {
      const failure = new Error('no');
      await expect(
        withTransaction(database.pool, async (client) => {
          await client.query('INSERT INTO t VALUES (1)');
          throw failure;
        }),
      ).rejects.toBe(failure);
      expect(await numbers()).toEqual([]);
    });

    it('does not report success when a swallowed error made COMMIT a rollback', async () => {
      await expect(
        withTransaction(database.pool, async (client) => {
          await client.query('INSERT INTO t VALUES (1)');
          await client.query('INSERT INTO t VALUES (1)').catch(() => undefined);
        }),
      ).rejects.toMatchObject({ code: 'store_unavailable' });
      expect(await numbers()).toEqual([]);
    });

    it('reads one snapshot under repeatable read', async () => {
      const seen = await withTransaction(
        database.pool,
        async (client) => {
          const count = async (): Promise<string | undefined> =>
            (await client.query<{ count: string }>('SELECT count(*) FROM t')).rows[0]?.count;
          const before = await count();
          await database.pool.query('INSERT INTO t VALUES (7)');
          return [before, await count()];
        },
        { isolation: 'repeatable read', readOnly: true },
      );
      expect(seen).toEqual(['0', '0']);
      await expect(
        withTransaction(database.pool, (client) => client.query('INSERT INTO t VALUES (8)'), {
          readOnly: true,
        }),
      ).rejects.toMatchObject({ code: '25006' });
    });

    it('drops a connection that was cut, and the pool goes on', async () => {
      const pool = createPool(database.url, { max: 1 });
      await expect(
        withTransaction(pool, async (client) => {
          const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
          await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
          await client.query('SELECT 1');
        }),
      ).rejects.toThrow();
      expect((await pool.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      await pool.end();
    });
  });

  describe('createPool', () => {
    it('survives the loss of a connection that is checked out and idle', async () => {
      const pool = createPool(database.url, { max: 1 });
      const client = await pool.connect();
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const lost = new Promise((done) => client.once('end', done));
      await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      await lost;
      client.release(true);
      await pool.end();
    });

    it('gives every session the settings asked for', async () => {
      const pool = createPool(database.url, { applicationName: 'a test', session: WRITER_SESSION });
      const { rows } = await pool.query<Record<string, string>>(
        `SELECT current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('lock_timeout') AS lock,
                current_setting('tcp_keepalives_idle') AS keepalive, current_setting('application_name') AS name`,
      );
      expect(rows).toEqual([{ idle: '5s', lock: '10s', keepalive: '5', name: 'a test' }]);
      await pool.end();
    });

    it('gives up a server that does not answer, and its connection with it', async () => {
      const pool = createPool(database.url, { max: 1, answerMs: 100 });
      const error: unknown = await pool.query('SELECT pg_sleep(30)').catch((cause: unknown) => cause);
      expect(classifyPgError(error)).toBe('retry');
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      await pool.end();
    });

    it('lets a statement take long while the server answers others', async () => {
      const pool = createPool(database.url, { max: 1, hangs: { busyMs: 50, silentMs: 2_000 } });
      await pool.query('SELECT pg_sleep(0.5)');
      await pool.end();
    });

    it('gives up a server that comes to a halt, on all its connections and on new ones', async () => {
      let halted = false;
      const url = new URL(database.url);
      const port = Number(url.port);
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        const upstream = connect(port, '127.0.0.1');
        for (const end of [socket, upstream]) sockets.push(end.on('error', () => undefined));
        socket.on('data', (chunk) => halted || upstream.write(chunk));
        upstream.on('data', (chunk) => halted || socket.write(chunk));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const patience = { max: 2, connectMs: 400, hangs: { busyMs: 50, silentMs: 100 } };
      const pool = createPool(url.href, patience);
      await pool.query('SELECT 1');
      halted = true;
      const since = performance.now();
      const asked = [1, 2, 3].map(() => pool.query('SELECT 1').catch((cause: unknown) => cause));
      for (const error of await Promise.all(asked)) expect(classifyPgError(error)).toBe('retry');
      expect(performance.now() - since).toBeLessThan(20_000);
      halted = false;
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      await pool.end();
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    it('keeps int8 and numeric exact, as text', async () => {
      const { rows } = await database.pool.query(`SELECT 9007199254740993::int8 AS a, 1e30::numeric AS b`);
      expect(rows).toEqual([{ a: '9007199254740993', b: '1000000000000000000000000000000' }]);
    });
  });

  it('has one driver: what the pool hands out is what pg exports', () => {
    expect(database.pool).toBeInstanceOf(pg.Pool);
  });
});
