import { EventLog } from '@quipu/event-log';
import { createLogger, systemClock } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { jobEvent } from '../test/job-events.js';
import { createTally, readTally, TALLY, tallyRunner, TallyProjection } from '../test/tally-projection.js';
import { until } from '../test/until.js';
import { readCheckpoint } from './checkpoint.js';
import { CodeMismatchError } from './errors.js';
import { type ProjectionRunner } from './projection-runner.js';
import { rebuildInPlace, type RebuildProgress } from './rebuild-in-place.js';
import { reseedInPlace } from './reseed-in-place.js';

describe('rebuild and reseed in place', () => {
  let database: TestDatabase;
  let log: EventLog;
  let last: bigint;
  const running: ProjectionRunner[] = [];

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    log = new EventLog(database.pool);
    await createTally(database.pool);
    const events = Array.from({ length: 50 }, (_, i) => jobEvent(`s${i % 2}`));
    last = (await log.append({ events })).lastPosition!;
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((runner) => runner.stop()));
  });

  const start = (handler: TallyProjection) => {
    const runner = tallyRunner(database, handler, { limits: { maxEvents: 7 } }) as ProjectionRunner;
    running.push(runner);
    runner.start();
    return runner;
  };
  const rebuild = (handler: TallyProjection, progress?: (progress: RebuildProgress) => void) =>
    rebuildInPlace({
      databaseUrl: database.url,
      log,
      handler,
      clock: systemClock,
      logger: createLogger('test', 'silent'),
      ...(progress === undefined ? {} : { progress }),
    });

  it('rebuild replays the log into empty tables, under the code and a new epoch', async () => {
    const before = start(new TallyProjection(database.pool));
    await before.whenPosition(last);
    await before.stop();
    await database.pool.query(`UPDATE tally SET n = -1`);
    const { epoch } = (await readCheckpoint(database.pool, TALLY))!;
    const told: RebuildProgress[] = [];
    await rebuild(new TallyProjection(database.pool, 'fold-2:sums-2'), (progress) => told.push(progress));
    expect(await readTally(database.pool)).toEqual({ s0: 25, s1: 25 });
    const after = (await readCheckpoint(database.pool, TALLY))!;
    expect(after).toMatchObject({ position: last, codeHash: 'fold-2:sums-2' });
    expect(after.epoch).not.toBe(epoch);
    expect(told.at(-1)).toMatchObject({ position: last, head: last, events: 50 });
  });

  it('rebuild under a runner that leads makes that one start over', async () => {
    const runner = start(new TallyProjection(database.pool));
    await runner.whenPosition(last);
    await rebuild(new TallyProjection(database.pool));
    expect(await readTally(database.pool)).toEqual({ s0: 25, s1: 25 });
    const { lastPosition } = await log.append({ events: [jobEvent('s0')] });
    await runner.whenPosition(lastPosition!);
    await until(async () => (await readTally(database.pool))['s0'] === 26);
  });

  it('a rebuild that was cut off is finished by the next runner', async () => {
    const handler = new TallyProjection(database.pool);
    const first = start(handler);
    await first.whenPosition(last);
    await first.stop();
    // What a rebuild leaves behind when it is killed right after its first transaction.
    await database.pool.query(`DELETE FROM tally`);
    await database.pool.query(`UPDATE projections SET position = 0 WHERE name = $1`, [TALLY]);
    await start(handler).whenPosition(last);
    expect(await readTally(database.pool)).toEqual({ s0: 25, s1: 25 });
  });

  it('reseed sums again where the checkpoint stands, and makes old code refuse', async () => {
    const old = start(new TallyProjection(database.pool));
    await old.whenPosition(last);
    const { epoch } = (await readCheckpoint(database.pool, TALLY))!;
    const handler = new TallyProjection(database.pool, 'fold-1:sums-2');
    expect(await reseedInPlace({ databaseUrl: database.url, handler })).toBe(last);
    expect(await readTally(database.pool)).toEqual({ s0: 25_000, s1: 25_000 });
    const after = (await readCheckpoint(database.pool, TALLY))!;
    expect(after).toMatchObject({ position: last, codeHash: 'fold-1:sums-2' });
    expect(after.epoch).not.toBe(epoch);
    await until(() => old.state().phase === 'refused');
  });

  it('reseed refuses states that other code has folded', async () => {
    const old = start(new TallyProjection(database.pool));
    await old.whenPosition(last);
    await old.stop();
    const handler = new TallyProjection(database.pool, 'fold-2:sums-1');
    await expect(reseedInPlace({ databaseUrl: database.url, handler })).rejects.toThrow(CodeMismatchError);
    expect(await readTally(database.pool)).toEqual({ s0: 25, s1: 25 });
  });
});
