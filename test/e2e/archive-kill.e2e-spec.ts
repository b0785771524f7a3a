import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLog, LogArchive } from '@quipu/event-log';
import { noIoSteps, systemClock } from '@quipu/platform';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector } from '../int/cli/test-projector.js';
import { repository, testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

const ALL = { maxEvents: 10_000, maxBytes: 1 << 28 };

let database: TestDatabase;
let redis: TestRedis;
let cli: TestCli;
let dataDir: string;
let whole: Awaited<ReturnType<EventLog['readAfter']>>;

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  dataDir = mkdtempSync(join(tmpdir(), 'quipu-archive-kill-'));
  cli = testCli({ database: database.url, redis: redis.url }, systemClock, dataDir);
  await cli.json('archive', 'partition-size', '200');
  const projector = await startTestProjector(database.url, redis.url);
  await cli.json('import', 'test/fixtures/swf/small.swf');
  whole = await readAll();
  await projector.stop();
}, 60_000);

afterAll(async () => {
  cli.close();
  await redis.release();
  await database.drop();
});

/** Archives or restores in a process of its own, to its end or to its death; answers with the signal that ended it. */
async function child(what: 'run' | 'restore', env: Record<string, string>): Promise<string | null> {
  const program = spawn(
    process.execPath,
    [
      ...['--no-warnings', '--import', './tools/ts.mjs', 'test/int/archive-child.ts'],
      ...[database.url, join(dataDir, 'archive'), what],
    ],
    { cwd: repository, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [, signal] = (await once(program, 'exit')) as [number | null, string | null];
  return signal;
}

/** The log as a reader has it that began just now: it needs both, the table and the files. */
function readAll(): ReturnType<EventLog['readAfter']> {
  const log = new EventLog(database.pool, noIoSteps, new LogArchive(join(dataDir, 'archive')));
  const events: typeof whole = [];
  const read = async (after: bigint): Promise<typeof whole> => {
    const page = await log.readAfter(after, ALL);
    events.push(...page);
    return page.length === 0 ? events : read(page.at(-1)!.position);
  };
  return read(0n);
}

async function stepsOf(what: 'run' | 'restore'): Promise<string[]> {
  const file = join(dataDir, `steps-${what}`);
  expect(await child(what, { QUIPU_COUNT_STEPS: file })).toBeNull();
  const labels = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[1]!);
  rmSync(file);
  return labels;
}

const archives = async (): Promise<{ first: string; dropped: boolean }[]> =>
  (await cli.json('archive')).archives;

describe('a partition that is moved by a process which is killed at any of its steps', () => {
  const RUN = ['archive', 'run', '--keep', '0'];
  const RESTORE = ['archive', 'restore', '--all'];

  it('on its way to a file, is whole for every reader, and the next command goes on', async () => {
    const labels = await stepsOf('run');
    expect(labels).toEqual([
      ...['archive.write:before', 'archive.write:after', 'archive.settle:before', 'archive.settle:after'],
      ...['archive.note:before', 'archive.note:after', 'archive.drop:before'],
      ...['archive.detach:before', 'archive.detach:after'],
    ]);
    expect(await archives()).toMatchObject([{ first: '0', dropped: true }]);
    await cli.json('archive', 'restore', '--all');
    for (const label of labels) {
      rmSync(join(dataDir, 'archive'), { recursive: true });
      expect({ label, signal: await child('run', { QUIPU_KILL_AT_STEP: label }) }).toEqual({
        label,
        signal: 'SIGKILL',
      });
      expect({ label, log: await readAll() }).toEqual({ label, log: whole });
      const noted = labels.indexOf(label) > labels.indexOf('archive.note:before');
      expect(await archives()).toHaveLength(noted ? 1 : 0);
      if (label === 'archive.drop:before') expect(await cli.json('verify')).toMatchObject({ ok: true });
      expect(await cli.json(...RUN)).toMatchObject({ waiting: false });
      expect(await archives()).toMatchObject([{ first: '0', dropped: true }]);
      expect(readdirSync(join(dataDir, 'archive')).filter((name) => name.endsWith('.partial'))).toEqual([]);
      expect(await readAll()).toEqual(whole);
      await cli.json('archive', 'restore', '--all');
    }
  }, 120_000);

  it('on its way back, is whole for every reader, and the next command goes on', async () => {
    await cli.json(...RUN);
    const labels = await stepsOf('restore');
    expect(labels).toEqual(['restore.fill:before', 'restore.attach:before', 'restore.attach:after']);
    for (const label of labels) {
      await cli.json(...RUN);
      expect({ label, signal: await child('restore', { QUIPU_KILL_AT_STEP: label }) }).toEqual({
        label,
        signal: 'SIGKILL',
      });
      expect({ label, log: await readAll() }).toEqual({ label, log: whole });
      await cli.json(...RESTORE);
      expect(await archives()).toEqual([]);
      expect(await readAll()).toEqual(whole);
    }
    expect(await cli.json('verify')).toMatchObject({ ok: true });
  }, 60_000);

  it('is gone back to as long as it was not dropped, although its file is gone', async () => {
    expect(await child('run', { QUIPU_KILL_AT_STEP: 'archive.drop:before' })).toBe('SIGKILL');
    rmSync(join(dataDir, 'archive'), { recursive: true });
    expect(await cli.run(...RUN)).toMatchObject({ exitCode: 3, err: expect.stringMatching(/restore --all/) });
    expect(await cli.json(...RESTORE)).toMatchObject({ restored: [{ first: '0' }] });
    expect(await readAll()).toEqual(whole);
  }, 30_000);
});
