import { EventLog } from '@quipu/event-log';
import { ProjectionHaltedError } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { jobEvent } from '../test/job-events.js';
import { createTally, readTally, TALLY, tallyRunner, TallyProjection } from '../test/tally-projection.js';
import { until } from '../test/until.js';
import { readCheckpoint } from './checkpoint.js';
import { type ProjectionRunner } from './projection-runner.js';
import { rebuildInPlace } from './rebuild-in-place.js';
import { readSkips, skipPosition } from './skips.js';
import { createLogger, systemClock } from '@quipu/platform';

const SKIP = { reason: 'broken reporter', by: 'ops', atMs: Date.UTC(2024, 0, 1) };

describe.each(['fold', 'value'] as const)('a poison event (%s)', (poison) => {
  let database: TestDatabase;
  let log: EventLog;
  let runner: ProjectionRunner;
  let positions: bigint[];

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    log = new EventLog(database.pool);
    await createTally(database.pool);
    const events = Array.from({ length: 20 }, (_, i) => jobEvent(`s${i % 2}`, i === 13 ? { poison } : {}));
    await log.append({ events });
    positions = (await log.readAfter(0n, { maxEvents: 100, maxBytes: 1 << 20 })).map(
      (event) => event.position,
    );
    runner = tallyRunner(database, new TallyProjection(database.pool));
    runner.start();
    await until(() => runner.state().phase === 'halted');
  });
  afterEach(async () => {
    await runner.stop();
  });

  it('halts the projection right behind the last good event, and says where and why', async () => {
    expect(await readTally(database.pool)).toEqual({ s0: 7, s1: 6 });
    const checkpoint = await readCheckpoint(database.pool, TALLY);
    expect(checkpoint).toMatchObject({ position: positions[12], haltedPosition: positions[13] });
    expect(checkpoint?.haltedError).toContain(poison === 'fold' ? 'cannot count' : 'invalid input syntax');
    expect(runner.state().halted).toMatchObject({ position: positions[13] });
  });

  it('halts again after a restart', async () => {
    await runner.stop();
    runner = tallyRunner(database, new TallyProjection(database.pool));
    runner.start();
    await until(() => runner.state().phase === 'halted');
    expect(await readTally(database.pool)).toEqual({ s0: 7, s1: 6 });
  });

  it('is passed once it is skipped by name, and in every rebuild', async () => {
    await skipPosition(database.pool, TALLY, { position: positions[13]!, ...SKIP });
    await runner.whenPosition(positions[19]!);
    expect(await readTally(database.pool)).toEqual({ s0: 10, s1: 9 });
    expect(runner.state()).toMatchObject({ phase: 'leading', halted: null });
    expect(await readCheckpoint(database.pool, TALLY)).toMatchObject({
      haltedPosition: null,
      haltedError: null,
    });
    expect(await readSkips(database.pool, TALLY)).toEqual([{ position: positions[13], ...SKIP }]);
    await runner.stop();
    const handler = new TallyProjection(database.pool);
    const done = await rebuildInPlace({
      databaseUrl: database.url,
      log,
      handler,
      clock: systemClock,
      logger: createLogger('test', 'silent'),
    });
    expect(done).toMatchObject({ position: positions[19], head: positions[19] });
    expect(await readTally(database.pool)).toEqual({ s0: 10, s1: 9 });
  });

  it('cannot be skipped anywhere but where the projection stands', async () => {
    await expect(skipPosition(database.pool, TALLY, { position: positions[14]!, ...SKIP })).rejects.toThrow(
      ProjectionHaltedError,
    );
    expect(await readSkips(database.pool, TALLY)).toEqual([]);
  });
});
