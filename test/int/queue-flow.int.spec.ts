import type { LogEvent } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { createLedgerRunner, type LedgerRunner } from '@quipu/ledger';
import { createLogger, createPool, createRedis, systemClock } from '@quipu/platform';
import { DepthQueries, QueueQueries, type QueuesAnswer, READER_SESSION } from '@quipu/read-models';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { localScope } from '../../apps/cli/src/support/scope.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

const MINUTE = 60_000;
const JOBS = 400;
const WORKERS = 4;
/** Fewer events than happen. */
const FEW = { windowEvents: 200, sampleEvents: 100 };

/** A run of a job: when it was added, how long it waited and ran, ms. */
interface Run {
  readonly n: number;
  readonly tenant: string;
  readonly queue: string;
  readonly addedMs: number;
  readonly waitMs: number;
  readonly runMs: number;
}

/** Lengths that a queue is said to have, worked out from what was reported. */
function lengthsOf(all: readonly number[]): { count: number; meanMs: number; p95Ms: number } {
  const sorted = [...all].sort((a, b) => a - b);
  const sum = all.reduce((total, one) => total + one, 0);
  return {
    count: all.length,
    meanMs: Math.round(sum / all.length),
    p95Ms: sorted[Math.ceil(all.length * 0.95) - 1]!,
  };
}

describe('what is told of queues from what happened lately', () => {
  let database: TestDatabase;
  let store: TestRedis;
  let totals: Redis;
  let pool: Pool;
  let log: EventLog;
  let runner: LedgerRunner;
  /** Asked again and again, while things happen. */
  let asked: QueueQueries;
  const now = Date.now();
  let serial = 0;

  beforeAll(async () => {
    database = await testDatabase();
    store = await testRedis();
    totals = createRedis(store.url, 'producer');
    pool = createPool(database.url, { session: READER_SESSION });
    log = new EventLog(database.pool);
    runner = createLedgerRunner({
      ...{ databaseUrl: database.url, redis: totals, log, clock: systemClock, pollMs: 20 },
      logger: createLogger('test', 'silent'),
    });
    runner.start();
    asked = queries();
    const workers = Array.from({ length: WORKERS }, (_, n) => n).flatMap((n) => [
      event('worker.registered', 'superadmin', `worker/w${n}`, now - 60 * MINUTE, { pool: `p${n % 2}` }),
      event('worker.connected', 'superadmin', `worker/w${n}`, now - 60 * MINUTE, {}),
    ]);
    await append(workers);
  });
  afterAll(async () => {
    await runner.stop();
    await pool.end();
    totals.disconnect();
    await store.release();
    await database.drop();
  });

  function queries(limits = {}): QueueQueries {
    return new QueueQueries(pool, new DepthQueries(pool, null), limits);
  }

  function event(type: string, tenant: string, subject: string, time: number, data: object): LogEvent {
    serial += 1;
    const fixed = { source: 'test', id: `e${serial}`, dataversion: 1 };
    return { ...fixed, type, tenant, subject, time, data } as unknown as LogEvent;
  }

  async function append(events: readonly LogEvent[]): Promise<void> {
    const { lastPosition } = await log.append({ events });
    await runner.whenPosition(lastPosition!);
  }

  const subjectOf = ({ queue, n }: Run): string => `job/${queue}/${n}@1`;

  function eventsOf(run: Run): LogEvent[] {
    const { tenant, queue, addedMs, waitMs, runMs, n } = run;
    const [id, started] = [subjectOf(run), addedMs + waitMs];
    return [
      event('job.queued', tenant, id, addedMs, { queue, attempt: 1 }),
      event('job.started', tenant, id, started, { queue, attempt: 1, worker: `w${n % WORKERS}` }),
      event('job.completed', tenant, id, started + runMs, { attempt: 1 }),
    ];
  }

  /** Runs of two queues of two tenants, all of which ended within the last minutes. */
  const RUNS: readonly Run[] = Array.from({ length: JOBS }, (_, n) => ({
    n,
    tenant: n % 3 === 0 ? 'umbrella' : 'acme',
    queue: n % 2 === 0 ? 'builds' : 'tests',
    addedMs: now - 14 * MINUTE + ((n * 7_919) % (10 * MINUTE)),
    waitMs: (n * 37) % 5_003,
    runMs: 1 + ((n * 101) % 20_011),
  }));

  const told = ({ rows }: QueuesAnswer) =>
    rows.map(({ tenant, queue, waits, runs, workers, completions }) => ({
      ...{ tenant, queue, waits, runs, workers, ended: Math.round(completions[2] * 15) },
    }));

  const expected = (runs: readonly Run[]) =>
    ['acme', 'umbrella'].flatMap((tenant) =>
      ['builds', 'tests'].map((queue) => {
        const own = runs.filter((run) => run.tenant === tenant && run.queue === queue);
        return {
          ...{ tenant, queue, workers: 2, ended: own.length },
          waits: lengthsOf(own.map(({ waitMs }) => waitMs)),
          runs: lengthsOf(own.map(({ runMs }) => runMs)),
        };
      }),
    );

  const ask = (of: QueueQueries) => of.queues(localScope(), now);

  it('is exact, however it was read: at once, or on from where it was read before', async () => {
    const parts = [RUNS.slice(0, 50), RUNS.slice(50, 51), RUNS.slice(51)];
    for (const [i, part] of parts.entries()) {
      await append(part.flatMap(eventsOf));
      if (i > 0) expect((await ask(asked)).sampled).toBe(1);
      else expect((await ask(asked)).rows.length).toBe(4);
    }
    expect(told(await ask(asked))).toEqual(expected(RUNS));
    expect(told(await ask(queries()))).toEqual(expected(RUNS));
    const [both, again] = await Promise.all([ask(asked), ask(asked)]);
    expect(told(again)).toEqual(told(both));
    const tests = await asked.queues(localScope(), now, { tenant: 'umbrella', queue: 'tests' });
    expect(told(tests)).toEqual(expected(RUNS).slice(3));
  });

  it('is exact after facts that came late, and of runs of which not all is known', async () => {
    const [moved, odd] = [RUNS[2]!, { ...RUNS[4]!, n: JOBS }];
    // It was added earlier than was known, and another attempt of it ends now.
    await append([
      event('job.queued', moved.tenant, subjectOf(moved), moved.addedMs - 7_000, {
        ...{ queue: moved.queue, attempt: 1 },
      }),
      // Nobody knows when it was added; and this run has not ended.
      event('job.started', odd.tenant, subjectOf(odd), odd.addedMs, { queue: odd.queue, attempt: 1 }),
    ]);
    const after = RUNS.map((run) => (run === moved ? { ...run, waitMs: run.waitMs + 7_000 } : run));
    expect(told(await ask(asked))).toEqual(expected(after));
    expect(told(await ask(queries()))).toEqual(expected(after));
    // Its end is a guess; then it goes on; then it ends.
    const about = [odd.tenant, subjectOf(odd)] as const;
    await append([
      { ...event('job.aborted', ...about, odd.addedMs + 1_000, { estimated: true }), dataversion: 2 },
    ]);
    expect(told(await ask(asked))).toEqual(expected(after));
    expect((await ask(asked)).rows.map(({ estimated }) => estimated)).toContain(true);
    await append([event('job.queued', ...about, odd.addedMs - 10, { queue: odd.queue, attempt: 1 })]);
    await append([event('job.completed', ...about, odd.addedMs + 3_000, { attempt: 1 })]);
    const ended = [...after, { ...odd, waitMs: 10, runMs: 3_000 }];
    expect(told(await ask(asked))).toEqual(expected(ended));
    expect(told(await ask(queries()))).toEqual(expected(ended));
  });

  it('forgets what is over, and what was read of a ledger that another has taken the place of', async () => {
    const later = now + 16 * MINUTE;
    expect(told(await asked.queues(localScope(), later)).map(({ waits, runs }) => [waits, runs])).toEqual([]);
    const before = told(await ask(asked));
    const [row] = (
      await database.pool.query<{ id: string; tenant: string }>(
        `DELETE FROM ledger_1.entities WHERE kind = 1 AND id = $1 RETURNING tenant, id`,
        [subjectOf(RUNS[0]!)],
      )
    ).rows;
    expect(row?.tenant).toBe('umbrella');
    expect(told(await ask(asked))).toEqual(before);
    await database.pool.query('UPDATE ledger_epoch SET epoch = gen_random_uuid()');
    const [, , builds] = told(await ask(asked));
    expect(builds!.waits!.count).toBe(before[2]!.waits!.count - 1);
  });

  it('knows who served a queue and is retired: nobody else does, until somebody of its pool comes', async () => {
    const run = {
      n: JOBS + 1,
      tenant: 'acme',
      queue: 'left',
      addedMs: now - 10 * MINUTE,
      waitMs: 5,
      runMs: 5,
    };
    const foreign = { ...run, n: JOBS + 2, queue: 'foreign' };
    const worker = (type: string, name: string, minutes: number, data: object = {}): LogEvent =>
      event(`worker.${type}`, 'superadmin', `worker/${name}`, now - minutes * MINUTE, data);
    const ran = (one: Run, by: string): LogEvent[] =>
      eventsOf(one).map((fact) =>
        fact.type === 'job.started' ? { ...fact, data: { ...fact.data, worker: by } } : fact,
      );
    await append([
      ...[worker('registered', 'gone', 20, { pool: 'left' }), worker('connected', 'gone', 20)],
      ...[worker('disconnected', 'gone', 9), worker('retired', 'gone', 9)],
      ...[...ran(run, 'gone'), ...ran(foreign, 'never-registered')],
      ...['left', 'foreign'].map((queue) =>
        event('job.queued', 'acme', `job/${queue}/waits@1`, now - 3 * MINUTE, { queue, attempt: 1 }),
      ),
    ]);
    const verdicts = async () =>
      (await ask(asked)).rows
        .filter(({ queue }) => queue === 'left' || queue === 'foreign')
        .map(({ queue, workers, verdict }) => [queue, workers, verdict.split(':')[0]]);
    expect(await verdicts()).toEqual([
      ['foreign', 0, 'steady'],
      ['left', 0, 'nothing serves this queue'],
    ]);
    await append([worker('registered', 'new', 1, { pool: 'left' }), worker('connected', 'new', 1)]);
    expect((await verdicts())[1]).toEqual(['left', 1, 'steady']);
  });

  it('is of a part, and says so, where more happened than is looked at', async () => {
    // In each queue a job has waited for minutes.
    await append(
      ['acme', 'umbrella'].flatMap((tenant) =>
        ['builds', 'tests'].map((queue) =>
          event('job.queued', tenant, `job/${queue}/waits@1`, now - 3 * MINUTE, { queue, attempt: 1 }),
        ),
      ),
    );
    const answer = await ask(queries(FEW));
    expect(answer.sampled).toBeGreaterThan(10);
    const exact = await ask(asked);
    const position = (rows: QueuesAnswer['rows']) => rows.map(({ tenant, queue }) => [tenant, queue]);
    expect(position(answer.rows)).toEqual(position(exact.rows));
    const seen = answer.rows.flatMap(({ waits }) => waits ?? []);
    expect(seen.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(FEW.sampleEvents);
    for (const row of answer.rows.filter(({ queue }) => queue !== 'left' && queue !== 'foreign')) {
      for (const lengths of [row.waits, row.runs]) {
        if (lengths === null) continue;
        expect(lengths.meanMs).toBeLessThanOrEqual(20_011);
        expect(lengths.p95Ms).toBeGreaterThanOrEqual(0);
      }
      // Which workers serve it is known, or it is said that it is not: never that there are none.
      expect([2, null]).toContain(row.workers);
      expect(row.verdict).not.toBe('nothing serves this queue');
    }
    // Rates come from the levels, of which nothing is left out.
    const rates = (rows: QueuesAnswer['rows']) =>
      rows.map(({ arrivals, departures }) => [arrivals, departures]);
    expect(rates(answer.rows)).toEqual(rates(exact.rows));
  });
});
