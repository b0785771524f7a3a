import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { TenantDirectory } from '@quipu/access';
import { MeasuresWriter } from '@quipu/archive';
import { readLogIdentity } from '@quipu/event-log';
import { createLogger, systemClock } from '@quipu/platform';
import { migrate } from '@quipu/schema';
import { writeBackup } from '../../apps/cli/src/backup/write-backup.js';
import { keptTables, NOT_KEPT } from '../../apps/cli/src/backup/tables.js';
import { LEDGER_1, TOTALS_KEY } from '@quipu/ledger';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector, type TestProjector } from '../int/cli/test-projector.js';
import { createMetrics, pointsOfMeasures, policyOf } from '../support/archive/archive-fixture.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';
import { removeDirectories, temporaryDirectory } from '../support/launcher.js';

const SMALL = 'test/fixtures/swf/small.swf';
const directory = mkdtempSync(join(tmpdir(), 'quipu-backup-'));
const file = join(directory, 'good.backup');

let source: TestDatabase;
let redis: TestRedis;
let cli: TestCli;
let usage: { rows: unknown; total: string };
const databases: TestDatabase[] = [];
const clis: TestCli[] = [];

beforeAll(async () => {
  source = await testDatabase();
  redis = await testRedis();
  const projector = await startTestProjector(source.url, redis.url);
  cli = testCli({ database: source.url, redis: redis.url }, systemClock);
  await cli.json('import', SMALL);
  await cli.json('keys', 'create', 'g1', 'ann', '--role', 'admin');
  usage = await cli.json('usage', '--by', 'tenant,user');
  await projector.stop();
  await takeMeasures();
}, 60_000);

/** A metric of the archive with buckets in its tail and in splits, and another of which something is put aside. */
async function takeMeasures(): Promise<void> {
  const { pool } = source;
  const policy = policyOf([[1_000_000_000n, null]], ['mean', 'std']);
  const [metric, other] = await createMetrics(pool, policy, 2);
  const points = pointsOfMeasures(Array.from({ length: 2_000 }, (_, i) => [BigInt(i) * 500_000_000n, i]));
  const writer = new MeasuresWriter({ pool, clock: systemClock, logger: createLogger('test', 'silent') });
  await writer.apply([{ id: randomUUID(), parts: [{ metricId: metric!, points }] }]);
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM archive_metrics WHERE id = $1 FOR UPDATE', [other]);
  await writer.apply([{ id: randomUUID(), parts: [{ metricId: other!, points }] }]);
  await client.query('ROLLBACK');
  client.release();
  for (const table of ['batches', 'pending', 'series', 'splits']) {
    expect(await rowsOf(source, `archive_${table}`)).not.toEqual([]);
  }
}

afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  for (const each of [cli, ...clis]) each.close();
  for (const each of [source, ...databases]) await each.drop();
  await redis.release();
  await removeDirectories();
}, 60_000);

async function target(options: { migrated: boolean } = { migrated: false }) {
  const database = await testDatabase(options);
  const line = testCli({ database: database.url, redis: redis.url }, systemClock);
  databases.push(database);
  clis.push(line);
  return { database, cli: line };
}

const rowsOf = async (database: TestDatabase, table: string): Promise<unknown[]> =>
  (await database.pool.query(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY to_jsonb(t)::text`)).rows;

describe('backup', () => {
  it('keeps every table but those that make themselves anew', async () => {
    const { rows } = await source.pool.query<{ name: string }>(
      `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND (n.nspname = 'public' OR n.nspname LIKE 'ledger%')`,
    );
    const known = [...keptTables(LEDGER_1), ...NOT_KEPT.map((name) => `public.${name}`)];
    expect(rows.map(({ name }) => name).sort()).toEqual(known.sort());
  });

  it('writes a file for the owner alone, and no second one over it', async () => {
    const report = await cli.json('backup', file);
    expect(report).toMatchObject({ file, position: '357', events: 357, ledger: { position: '357' } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.partial`)).toBe(false);
    expect(await cli.run('backup', file)).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/--force/),
    });
    expect((await cli.run('backup', file, '--force')).exitCode).toBe(0);
  }, 20_000);

  it('that is interrupted leaves nothing behind', async () => {
    const line = testCli({ database: source.url, redis: redis.url }, systemClock);
    clis.push(line);
    line.interrupt.abort();
    const name = join(directory, 'interrupted.backup');
    expect((await line.run('backup', name)).exitCode).toBe(130);
    expect([existsSync(name), existsSync(`${name}.partial`)]).toEqual([false, false]);
  }, 20_000);
});

describe('restore', () => {
  it('brings everything back, under a new epoch that tells a stale Redis', async () => {
    const { database, cli: restored } = await target();
    const stale = await redis.redis.hget(TOTALS_KEY, '@epoch');
    expect(await restored.json('restore', file)).toMatchObject({
      position: '357',
      events: 357,
      migrated: [],
    });
    for (const table of keptTables(LEDGER_1)) {
      if (table === 'public.audit') continue;
      expect({ table, rows: await rowsOf(database, table) }).toEqual({
        table,
        rows: await rowsOf(source, table),
      });
    }
    const { rows } = await database.pool.query<{ epoch: string }>('SELECT epoch FROM ledger_epoch');
    expect(rows[0]?.epoch).not.toBe(stale);
    // It is another log, which counts from now on: what came after the backup is not in it.
    const [was, is] = [await readLogIdentity(source.pool), await readLogIdentity(database.pool)];
    expect([is.id === was.id, is.sinceMs > was.sinceMs]).toEqual([false, true]);
    await expectExact(restored);
    expect((await restored.json('usage', '--by', 'tenant,user')).rows).toEqual(usage.rows);
    let projector: TestProjector | undefined;
    try {
      projector = await startTestProjector(database.url, redis.url);
      while ((await redis.redis.hget(TOTALS_KEY, '@epoch')) !== rows[0]?.epoch);
      await expectExact(restored);
      // What comes next takes the next position, in the log and in every other sequence.
      expect(await restored.json('import', SMALL)).toMatchObject({ new: 0, duplicates: 357 });
      await restored.json('import', SMALL, '--tenant-by', '=later');
      expect((await restored.json('status')).ledger.position).toBe('714');
      await expectExact(restored);
    } finally {
      await projector?.stop();
    }
  }, 60_000);

  it('works on an empty data directory', async () => {
    const dataDir = join(temporaryDirectory(0o755, 'quipu-restore-'), 'data');
    const restored = testCli({ redis: redis.url }, systemClock, dataDir);
    expect(await restored.json('restore', file)).toMatchObject({ events: 357 });
    await expectExact(restored);
    expect((await restored.json('usage', '--by', 'tenant,user')).rows).toEqual(usage.rows);
  }, 120_000);

  it('refuses a database that holds anything, and one that a projector works on', async () => {
    const { database, cli: restored } = await target({ migrated: true });
    await new TenantDirectory(database.pool).ensure(['precious'], 'auto');
    const { exitCode, err } = await restored.run('restore', file);
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringMatching(/it holds tenants/) });
    const projector = await startTestProjector(database.url, redis.url);
    try {
      const leaders = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = ${0x51_50_4c_31} AND
        database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      while ((await database.pool.query(leaders)).rowCount === 0);
      const busy = await restored.run('restore', file, '--force');
      expect(busy).toMatchObject({ exitCode: 1, err: expect.stringMatching(/projector is at work/) });
    } finally {
      await projector.stop();
    }
    expect((await restored.run('restore', file, '--force')).exitCode).toBe(0);
    await expectExact(restored);
  }, 60_000);

  it('brings the backup of an older version up to date', async () => {
    const { database, cli: restored } = await target();
    const [head, ...rest] = gunzipSync(readFileSync(file)).toString().split('\n');
    const parsed = JSON.parse(head!) as { migrations: string[] };
    const newer = rewritten({ ...parsed, migrations: [...parsed.migrations, 'Later1'] }, rest);
    const { exitCode, err } = await restored.run('restore', newer);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringMatching(/newer version/) });
    const { database: before } = await target();
    const logger = createLogger('test', 'silent');
    const older = join(directory, 'older.backup');
    // Logs had no identity then.
    const known = parsed.migrations.findIndex((name) => name.startsWith('LogIdentity'));
    await migrate(before.url, logger, parsed.migrations.slice(0, known));
    const bornMs = 1_600_000_000_000;
    await before.pool.query('UPDATE tenants SET created_ms = $1', [bornMs]);
    await writeBackup({
      ...{ databaseUrl: before.url, file: older, clock: systemClock, progress: () => undefined },
      signal: new AbortController().signal,
    });
    const report = await restored.json('restore', older);
    expect(report).toMatchObject({ events: 0, migrated: parsed.migrations.slice(known) });
    expect((await readLogIdentity(database.pool)).sinceMs).toBeGreaterThan(bornMs);
    await expectExact(restored);
  }, 60_000);

  it('brings back a later generation of the ledger, over one that has several', async () => {
    const { database, cli: promoted } = await target();
    const later = join(directory, 'later.backup');
    await promoted.json('restore', file);
    await promoted.json('projections', 'rebuild', '--keep');
    expect(await promoted.json('backup', later)).toMatchObject({ ledger: { schema: 'ledger_2' } });
    await promoted.json('restore', later, '--force');
    await expectExact(promoted);
    expect((await promoted.json('usage', '--by', 'tenant,user')).rows).toEqual(usage.rows);
    const { rows } = await database.pool.query('SELECT schema_name, status FROM projections');
    expect(rows).toEqual([{ schema_name: 'ledger_2', status: 'live' }]);
    await promoted.json('restore', file, '--force');
    await expectExact(promoted);
  }, 120_000);

  it('refuses a backup that is cut or was changed, and keeps nothing of it', async () => {
    const { database, cli: restored } = await target();
    const packed = readFileSync(file);
    const text = gunzipSync(packed).toString();
    const logAt = text.indexOf('"table":"public.log"');
    const at = text.indexOf('g1', logAt);
    const bad: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      cut: packed.subarray(0, packed.length / 2),
      'cut at its last byte': packed.subarray(0, -1),
      'without its end': gzipSync(text.slice(0, text.lastIndexOf('{"end"'))),
      'with a changed event': gzipSync(`${text.slice(0, at)}g2${text.slice(at + 2)}`),
      'with another head': gzipSync(text.replace('"position":"357"', '"position":"356"')),
      'something else': Buffer.from('hello'),
    };
    for (const [what, bytes] of Object.entries(bad)) {
      const name = join(directory, 'bad.backup');
      writeFileSync(name, bytes);
      const { exitCode, err } = await restored.run('restore', name);
      expect({ what, exitCode, err }).toEqual({
        what,
        exitCode: 3,
        err: expect.stringMatching(/not a good backup/),
      });
    }
    expect((await database.pool.query(`SELECT to_regclass('log') AS log`)).rows).toEqual([{ log: null }]);
    // Sums that were made to fit are found by the digest chain.
    const [head, ...rest] = text.split('\n');
    const row = rest.findIndex((line) => /^1\t/.test(line) && line.includes('job.'));
    rest[row] = rest[row]!.replace('"nodes":', '"nodes":1');
    const forged = await restored.run('restore', rewritten(JSON.parse(head!), rest));
    expect(forged).toMatchObject({ exitCode: 3, err: expect.stringMatching(/digest chain is broken/) });
    expect((await database.pool.query('SELECT count(*)::int AS events FROM log')).rows).toEqual([
      { events: 0 },
    ]);
    expect((await restored.run('restore', file)).exitCode).toBe(0);
  }, 60_000);
});

/** Verify finds no difference. */
async function expectExact(line: TestCli): Promise<void> {
  const { exitCode, out, err } = await line.run('verify');
  if (exitCode !== 0) throw new Error(`verify exited with ${exitCode}:\n${out}${err}`);
}

/** Writes a backup with another head or other rows, and sums that fit. */
function rewritten(head: object, rest: readonly string[]): string {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const first = JSON.stringify(head);
  const lines = rest.slice(0, -2);
  const { end } = JSON.parse(rest.at(-2)!) as { end: { tables: object[]; sequences: object } };
  const tables: object[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const { table } = JSON.parse(lines[i]!) as { table: string };
    const stop = lines.indexOf('\\.', i);
    const rows = lines.slice(i + 1, stop).map((row) => `${row}\n`);
    const text = rows.join('');
    tables.push({ table, rows: rows.length, bytes: Buffer.byteLength(text), sha256: sha256(text) });
    i = stop;
  }
  const last = JSON.stringify({ end: { ...end, head: sha256(`${first}\n`), tables } });
  const name = join(directory, 'rewritten.backup');
  writeFileSync(name, gzipSync([first, ...lines, last, ''].join('\n')));
  return name;
}
