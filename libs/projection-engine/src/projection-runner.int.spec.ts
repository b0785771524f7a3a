import { EventLog } from '@quipu/event-log';
import { type IoSteps } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { jobEvent } from '../test/job-events.js';
import { createTally, readTally, TALLY, tallyRunner, TallyProjection } from '../test/tally-projection.js';
import { until } from '../test/until.js';
import { readCheckpoint } from './checkpoint.js';
import { type ProjectionRunner } from './projection-runner.js';

describe('ProjectionRunner', () => {
  let database: TestDatabase;
  let log: EventLog;
  const running: ProjectionRunner[] = [];

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    log = new EventLog(database.pool);
    await createTally(database.pool);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((runner) => runner.stop()));
  });

  const start = (handler = new TallyProjection(database.pool), options = {}) => {
    const runner = tallyRunner(database, handler, options) as ProjectionRunner;
    running.push(runner);
    runner.start();
    return runner;
  };
  const append = async (...subjects: string[]) => {
    const { lastPosition } = await log.append({ events: subjects.map((subject) => jobEvent(subject)) });
    return lastPosition!;
  };
  const leaders = async () => {
    const { rows } = await database.pool.query<{ pid: number }>(
      `SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
       WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND d.datname = current_database()`,
    );
    return rows.map((row) => row.pid);
  };

  it('folds what was appended before it started and what is appended while it runs', async () => {
    await append('a', 'b', 'a');
    const runner = start();
    await runner.whenPosition(await append('a'));
    expect(await readTally(database.pool)).toEqual({ a: 3, b: 1 });
    expect(runner.state()).toMatchObject({ phase: 'leading', events: 4, halted: null, lastError: null });
  });

  it('is woken by an append long before it would poll', async () => {
    const runner = start(undefined, { pollMs: 60_000 });
    await runner.whenPosition(0n);
    await runner.whenPosition(await append('a'));
    expect(await readTally(database.pool)).toEqual({ a: 1 });
  });

  it('reads in batches of the size it was given, and mirrors each once and in order', async () => {
    const handler = new TallyProjection(database.pool);
    const position = await append(...Array.from({ length: 23 }, (_, i) => `s${i % 3}`));
    const runner = start(handler, { limits: { maxEvents: 5 } });
    await runner.whenPosition(position);
    expect(handler.mirrored).toHaveLength(5);
    handler.mirrored.forEach(({ from }, i) => expect(from).toBe(handler.mirrored[i - 1]?.to ?? 0n));
    expect(await readTally(database.pool)).toEqual({ s0: 8, s1: 8, s2: 7 });
  });

  it('is one of many: the others follow, and one takes over', async () => {
    const first = start();
    await first.whenPosition(0n);
    const second = start();
    const position = await append('a');
    await Promise.all([first.whenPosition(position), second.whenPosition(position)]);
    expect([first.state().phase, second.state().phase]).toEqual(['leading', 'following']);
    await first.stop();
    await second.whenPosition(await append('a'));
    expect(second.state()).toMatchObject({ phase: 'leading', events: 1 });
    expect(await readTally(database.pool)).toEqual({ a: 2 });
  });

  it('starts over when its connection is killed between the write and the commit', async () => {
    let kills = 0;
    const io: IoSteps = {
      async step(label) {
        if (label !== `projection.${TALLY}:after` || kills > 2) return;
        kills += 1;
        for (const pid of await leaders())
          await database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
      },
    };
    const runner = start(undefined, { io, limits: { maxEvents: 2 } });
    await runner.whenPosition(await append('a', 'a', 'a', 'b'));
    expect(kills).toBe(3);
    expect(await readTally(database.pool)).toEqual({ a: 3, b: 1 });
  });

  it('applies a batch once when the answer to its COMMIT is lost', async () => {
    let lost = 0;
    const io: IoSteps = {
      step(label) {
        if (label !== 'projection.commit:after' || lost > 1) return;
        lost += 1;
        throw new Error('Connection terminated unexpectedly');
      },
    };
    const runner = start(undefined, { io, limits: { maxEvents: 2 } });
    await runner.whenPosition(await append('a', 'a', 'a', 'b', 'a'));
    expect(lost).toBe(2);
    expect(await readTally(database.pool)).toEqual({ a: 4, b: 1 });
  });

  it('notices that its checkpoint was moved while nothing happened, and drops what it knew', async () => {
    const runner = start();
    const position = await append('a', 'a');
    await runner.whenPosition(position);
    await database.pool.query(`UPDATE tally SET n = 50`);
    await database.pool.query(`UPDATE projections SET position = position - 1 WHERE name = $1`, [TALLY]);
    await until(async () => (await readTally(database.pool))['a'] === 51);
    expect((await readCheckpoint(database.pool, TALLY))?.position).toBe(position);
  });

  it('refuses tables that other code has made, says so, and leaves them alone', async () => {
    const made = start();
    await made.whenPosition(await append('a'));
    await made.stop();
    const other = start(new TallyProjection(database.pool, 'fold-2:sums-1'));
    await append('a');
    await until(() => other.state().phase === 'refused');
    expect(other.state().lastError).toContain('other code');
    expect(await readTally(database.pool)).toEqual({ a: 1 });
    expect(await leaders()).toEqual([]);
  });

  it('says that the projection is missing', async () => {
    await database.pool.query('DELETE FROM projections WHERE name = $1', [TALLY]);
    const runner = start();
    await until(() => runner.state().phase === 'refused');
    expect(runner.state().lastError).toContain('no live projection');
  });

  it('rejects who still waits when it stops', async () => {
    const runner = start();
    const waiting = runner.whenPosition(1_000_000n);
    const refused = expect(waiting).rejects.toThrow('stopped before position 1000000');
    await runner.stop();
    await refused;
  });
});
