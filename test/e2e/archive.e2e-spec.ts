import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { EventLog } from '@quipu/event-log';
import { systemClock } from '@quipu/platform';
import { sampleEvent } from '../../libs/event-log/test/sample-events.js';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector, type TestProjector } from '../int/cli/test-projector.js';
import { repository, testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

const SMALL = 'test/fixtures/swf/small.swf';
const QUESTIONS = [
  ['usage', '--by', 'tenant,user'],
  ['usage', '--by', 'tenant,user', '--as-of', '@340'],
  ['why', 'node_seconds', '--events', '--limit', '50'],
  ['why', 'node_seconds', '--events', '--as-of', '@150'],
];

let database: TestDatabase;
let redis: TestRedis;
let projector: TestProjector;
let cli: TestCli;
let dataDir: string;
let before: unknown[];
const others: { database: TestDatabase; cli: TestCli }[] = [];

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  dataDir = mkdtempSync(join(tmpdir(), 'quipu-archive-'));
  cli = testCli({ database: database.url, redis: redis.url }, systemClock, dataDir);
  await cli.json('archive', 'partition-size', '100');
  projector = await startTestProjector(database.url, redis.url);
  await cli.json('import', SMALL);
  before = await answers(cli);
}, 60_000);

afterAll(async () => {
  await projector.stop();
  cli.close();
  for (const other of others) {
    other.cli.close();
    await other.database.drop();
  }
  await database.drop();
  await redis.release();
});

/** What the questions are answered with, without what changes from one asking to the next. */
async function answers(line: TestCli): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const question of QUESTIONS) {
    const { rows, items, total, intervals } = await line.json(...question, '--end', '2030-01-01');
    all.push({ rows, items, total, intervals });
  }
  return all;
}

const archiveDir = (): string => join(dataDir, 'archive');
const fileNames = (): string[] =>
  readdirSync(archiveDir())
    .filter((name) => name.endsWith('.gz'))
    .sort();

/** A file whose first block says something else, packed to the length it had: the name field of gzip fills it up. */
function repacked(file: string): Buffer {
  const index = readFileSync(file.replace('.ndjson.gz', '.index'));
  const bytes = Buffer.from(readFileSync(file));
  const [offset, length] = [Number(index.readBigUInt64BE(32)), index.readUInt32BE(40)];
  const text = gunzipSync(bytes.subarray(offset, offset + length)).toString();
  const changed = gzipSync(text.replace(/"nodes":\d+/g, '"nodes":1'), { level: 9 });
  const name = Buffer.from(`${'x'.repeat(length - changed.length - 1)}\0`);
  changed[3]! |= 8;
  Buffer.concat([changed.subarray(0, 10), name, changed.subarray(10)]).copy(bytes, offset);
  return bytes;
}

async function expectExact(line: TestCli): Promise<void> {
  const { exitCode, out, err } = await line.run('verify');
  if (exitCode !== 0) throw new Error(`verify exited with ${exitCode}:\n${out}${err}`);
}

function checkLog(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/check-log.mjs', ...args], {
    cwd: repository,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

describe('archive', () => {
  it('says what it needs to know, and shows partitions', async () => {
    expect((await cli.run('archive', 'run')).exitCode).toBe(2);
    expect((await cli.run('archive', 'run', '--keep', 'x')).exitCode).toBe(2);
    expect((await cli.run('archive', 'restore')).exitCode).toBe(2);
    expect((await cli.run('archive', 'partition-size', '7')).exitCode).toBe(2);
    const { archives, partitions } = await cli.json('archive');
    expect(archives).toEqual([]);
    expect(
      partitions.map(({ first, settled }: { first: string; settled: boolean }) => [first, settled]),
    ).toEqual([
      ['0', true],
      ['100', true],
      ['200', true],
      ['300', false],
    ]);
    expect(await cli.json('archive', 'run', '--older-than', '1d')).toMatchObject({
      archived: [],
      waiting: false,
    });
    expect((await cli.run('archive', 'run', '--before', '2001-01-01')).out).toMatch(/No complete partition/);
    expect((await cli.run('archive', 'check')).out).toBe('Nothing is archived.\n');
  });

  it('moves old partitions to files, and every answer stays what it was', async () => {
    const { archived } = await cli.json('archive', 'run', '--before', '@250');
    expect(archived).toMatchObject([
      { first: '0', end: '100', events: 99, dropped: true },
      { first: '100', end: '200', events: 100, dropped: true },
    ]);
    expect((await cli.run('archive', 'run', '--keep', '0')).exitCode).toBe(0);
    expect(fileNames()).toHaveLength(3);
    const audit = await database.pool.query(
      `SELECT detail->>'file' AS file FROM audit WHERE action = 'log.archived' ORDER BY id`,
    );
    expect(audit.rows.map(({ file }: { file: string }) => file)).toEqual(fileNames());
    const { rows } = await database.pool.query('SELECT min(position)::int AS first FROM log');
    expect(rows).toEqual([{ first: 300 }]);
    expect(await answers(cli)).toEqual(before);
    await expectExact(cli);
    expect((await cli.run('archive', 'check')).out).toMatch(/3 archives as they were written/);
    expect((await cli.run('archive')).out).toMatch(/log-0{12}-0{9}100-\w+\.ndjson\.gz/);
  }, 30_000);

  it('still knows every event', async () => {
    expect(await cli.json('import', SMALL)).toMatchObject({ new: 0, duplicates: 357 });
  }, 30_000);

  it('is read by a rebuild, in place and beside', async () => {
    expect(await cli.json('projections', 'rebuild')).toMatchObject({ events: '357', promoted: true });
    expect(await answers(cli)).toEqual(before);
    await expectExact(cli);
    await cli.json('projections', 'rebuild', '--in-place');
    await expectExact(cli);
  }, 60_000);

  it('refuses what the ledger said at a time that is archived, and names the files', async () => {
    const { exitCode, err } = await cli.run('usage', '--by', 'tenant', '--as-of', '@150');
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining(fileNames()[1]!) });
    expect(err).toContain('./quipu archive restore --from @100');
    expect((await cli.run('queues', '--as-of', '@150')).exitCode).toBe(1);
  });

  it('is exported and checked by programs that share no code, as a whole and by itself', async () => {
    const copy = join(dataDir, 'copy.ndjson');
    expect((await cli.run('verify', '--export', copy)).exitCode).toBe(0);
    expect(checkLog(copy)).toEqual({
      status: 0,
      output: expect.stringMatching(/357 events.*\nThe chain holds/),
    });
    const files = fileNames().map((name) => join(archiveDir(), name));
    expect(checkLog(...files)).toEqual({ status: 0, output: expect.stringMatching(/299 events/) });
    expect(checkLog(files[1]!)).toEqual({
      status: 0,
      output: expect.stringMatching(/begins at position 100/),
    });
    expect(checkLog(files[0]!, files[2]!).status).toBe(3);
    expect(checkLog(copy, files[0]!).status).toBe(1);
    const why = join(dataDir, 'why.ndjson');
    await cli.json('why', 'node_seconds', '--export', why);
    const checked = spawnSync(process.execPath, ['tools/check.mjs', why], {
      cwd: repository,
      encoding: 'utf8',
    });
    expect({ status: checked.status, out: checked.stdout }).toMatchObject({ status: 0 });
  }, 30_000);

  it('is seen to be tampered with, or gone', async () => {
    const file = join(archiveDir(), fileNames()[1]!);
    const intact = readFileSync(file);
    const bytes = Buffer.from(intact);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
    expect(await cli.run('archive', 'check')).toMatchObject({
      exitCode: 3,
      out: expect.stringContaining('SHA-256'),
    });
    const verified = await cli.run('verify', '--json');
    expect(verified.exitCode).toBe(3);
    expect(JSON.parse(verified.out).examples).toContainEqual(
      expect.objectContaining({ kind: 'archive', key: fileNames()[1] }),
    );
    expect((await cli.run('archive', 'restore', '--all')).exitCode).toBe(3);
    rmSync(file);
    for (const command of [
      ['verify'],
      ['projections', 'rebuild'],
      QUESTIONS[2]!,
      ['backup', join(dataDir, 'b')],
    ]) {
      const { exitCode, err } = await cli.run(...command);
      // A backup only names the archives.
      const expected = command[0] === 'backup' ? 0 : 1;
      expect({ command, exitCode, err }).toEqual({
        ...{ command, exitCode: expected },
        err: expect.stringContaining('log-000000000100-000000000200-'),
      });
    }
    writeFileSync(file, intact);
    expect((await cli.run('archive', 'restore', '--from', '@200')).exitCode).toBe(0);
    expect((await cli.json('archive')).archives).toHaveLength(2);
    await cli.json('archive', 'run', '--keep', '0');
    await expectExact(cli);
  }, 60_000);

  it('is folded by no rebuild once it was changed, though it unpacks and has its length', async () => {
    const file = join(archiveDir(), fileNames()[1]!);
    const intact = readFileSync(file);
    const changed = repacked(file);
    expect(changed).toHaveLength(intact.length);
    expect(gunzipSync(changed).equals(gunzipSync(intact))).toBe(false);
    writeFileSync(file, changed);
    for (const how of [[], ['--in-place'], ['--no-promote']]) {
      expect({ how, ...(await cli.run('projections', 'rebuild', ...how)) }).toMatchObject({
        ...{ how, exitCode: 3 },
        err: expect.stringMatching(/nothing was folded.*log-0{9}100-.*SHA-256/),
      });
    }
    expect((await cli.run('archive', 'check')).exitCode).toBe(3);
    expect(await answers(cli)).toMatchObject([before[0], before[1], {}, {}]);
    writeFileSync(file, intact);
    await cli.json('projections', 'rebuild');
    await expectExact(cli);
  }, 60_000);

  it('is named by a backup, which is restored only with it', async () => {
    const backup = join(dataDir, 'small.backup');
    const { archives, events } = await cli.json('backup', backup);
    expect(events).toBe(58);
    expect(archives.map(({ file }: { file: string }) => file)).toEqual(fileNames());
    const empty = await testDatabase({ migrated: false });
    const elsewhere = testCli({ database: empty.url, redis: redis.url }, systemClock);
    others.push({ database: empty, cli: elsewhere });
    expect(await elsewhere.run('restore', backup)).toMatchObject({
      exitCode: 3,
      err: expect.stringMatching(/archive log-000000000000-.*which is not there as it was/),
    });
    const beside = testCli({ database: empty.url, redis: redis.url }, systemClock, dataDir);
    expect(await beside.json('restore', backup)).toMatchObject({ position: '357', events: 357 });
    await expectExact(beside);
    expect(await answers(beside)).toEqual(before);
    await new EventLog(empty.pool).append({ events: [] });
    expect((await beside.json('archive')).partitions[0]).toMatchObject({ first: '300' });
    expect((await beside.run('archive', 'restore', '--all')).exitCode).toBe(0);
    await expectExact(beside);
  }, 60_000);

  it('comes back into the database', async () => {
    const { restored } = await cli.json('archive', 'restore', '--from', '@150');
    expect(restored).toMatchObject([{ first: '200' }, { first: '100' }]);
    expect((await cli.run('usage', '--by', 'tenant', '--as-of', '@150')).exitCode).toBe(0);
    expect((await cli.json('archive', 'restore', '--all')).restored).toHaveLength(1);
    expect((await cli.json('archive')).archives).toEqual([]);
    expect(existsSync(archiveDir())).toBe(true);
    rmSync(archiveDir(), { recursive: true });
    expect(await answers(cli)).toEqual(before);
    await expectExact(cli);
  }, 30_000);

  it('names a partition without events, which stops those behind it', async () => {
    const log = new EventLog(database.pool);
    for (const position of [650, 750]) {
      await database.pool.query(`SELECT setval('log_position_seq', $1)`, [position]);
      await log.append({ events: [sampleEvent()] });
    }
    await cli.json('projections', 'rebuild');
    for (const archived of [4, 0]) {
      const { exitCode, out, err } = await cli.run('archive', 'run', '--keep', '0', '--json');
      expect({ exitCode, err }).toEqual({
        exitCode: 1,
        err: expect.stringContaining('Positions 400 to 499 are a complete partition without events'),
      });
      const report = JSON.parse(out);
      expect(report).toMatchObject({ blockedBy: { first: '400', events: 0 } });
      expect(report.archived).toHaveLength(archived);
    }
    expect((await cli.run('archive', 'run', '--keep', '0')).out).toBe('');
    await cli.json('archive', 'restore', '--all');
    await expectExact(cli);
  }, 30_000);
});
