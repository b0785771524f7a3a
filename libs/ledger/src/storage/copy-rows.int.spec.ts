import { runStatement } from '@quipu/projection-engine';
import { type Pool } from 'pg';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { copyPieces, CopyRows } from './copy-rows.js';

describe('rows in the binary format of COPY', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await testDatabase();
    pool = database.pool;
    await pool.query(`CREATE TABLE copied
      (s smallint, i integer, b bigint, u uuid, t text, j json, n numeric(38,0))`);
  });
  afterAll(() => database.drop());

  async function copy(pieces: Iterable<Buffer>): Promise<void> {
    const client = await pool.connect();
    try {
      await runStatement(client, {
        ...{ name: 'copied', text: 'COPY copied (s, i, b, u, t, j, n) FROM STDIN (FORMAT binary)' },
        ...{ values: [], copy: () => pieces },
      });
    } finally {
      client.release();
    }
  }

  it('arrive as they were written, whatever room there was to begin with', async () => {
    const large = 12_345_678_901_234_567_890_123_456_789n;
    const rows = new CopyRows(7, 1);
    const id = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    rows.row().smallint(-3).integer(-70_000).bigint(Number.MIN_SAFE_INTEGER).uuid(id);
    rows.text('ä€𝄞').text('{"a":"ä"}').numeric(-Number.MAX_SAFE_INTEGER);
    rows.row().smallint(1).integer(2).bigint(NaN).uuid(id).text('').text('1').numeric(0, -large);
    rows.row().smallint(0).integer(0).bigint(4_294_967_296).uuid(id).text('x'.repeat(9_000)).text('null');
    rows.numeric(0);
    await copy([rows.finish()]);
    const { rows: found } = await pool.query('SELECT s, i, b, u, t, j::text, n FROM copied ORDER BY s');
    const uuid = '00010203-0405-0607-0809-0a0b0c0d0e0f';
    expect(found).toEqual([
      {
        s: -3,
        i: -70_000,
        b: '-9007199254740991',
        u: uuid,
        t: 'ä€𝄞',
        j: '{"a":"ä"}',
        n: '-9007199254740991',
      },
      { s: 0, i: 0, b: '4294967296', u: uuid, t: 'x'.repeat(9_000), j: 'null', n: '0' },
      { s: 1, i: 2, b: null, u: uuid, t: '', j: '1', n: String(-large) },
    ]);
  });

  it('are none where none was written', async () => {
    await pool.query('DELETE FROM copied');
    await copy([new CopyRows(7, 0).finish()]);
    expect((await pool.query('SELECT FROM copied')).rowCount).toBe(0);
  });

  it('may come in any number of pieces', async () => {
    await pool.query('DELETE FROM copied');
    const id = Buffer.alloc(16, 7);
    const write = (rows: CopyRows, i: number): void => {
      rows.row().smallint(0).integer(i).bigint(i).uuid(id).text(`t${i}`).text('{}').numeric(i);
    };
    await copy(copyPieces(7, 2_500, 10, write));
    const { rows } = await pool.query(
      `SELECT count(*)::int AS count, sum(i)::int AS sum, count(DISTINCT t)::int AS texts FROM copied`,
    );
    expect(rows).toEqual([{ count: 2_500, sum: (2_499 * 2_500) / 2, texts: 2_500 }]);
  });

  it('that are refused leave the connection as it was', async () => {
    const wrong = new CopyRows(7, 10).row().text('not a number').finish();
    await expect(copy([wrong])).rejects.toMatchObject({ code: expect.stringMatching(/^22/) });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});
