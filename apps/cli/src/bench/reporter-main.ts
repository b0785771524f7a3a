import { createReporter, instrument, type Reporter } from '@quipu/reporter';
import { Queue, Worker } from 'bullmq';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/**
 * Program of the child process that measures the reporter: `reporter-main.js <events> <jobs>` with REDIS_URL in the
 * environment. The answer is one line of JSON, a {@link ReporterBench}.
 */
export interface ReporterBench {
  /** Processor time per event of this whole process, from the call to the queue's acknowledgement, µs. */
  readonly cpuMicros: number;
  /** Events per second that reach the queue from this process. */
  readonly eventsPerSecond: number;
  /** Jobs per second of a worker whose processor does nothing, and of one whose processor takes 5 ms. */
  readonly idle: Rates;
  readonly working: Rates;
}

/** Jobs per second of an instrumented worker and of a bare one. */
export interface Rates {
  readonly ours: number;
  readonly bare: number;
}

/** Events that are reported between two turns of the event loop. */
const BURST = 100;
const MOST_BUFFERED = 2_000;
const CONCURRENCY = 10;
const ROUNDS = 3;
const WORK_MS = 5;

const REDIS_URL = process.env['REDIS_URL'] ?? '';
const url = new URL(REDIS_URL);
const connection = {
  host: url.hostname,
  port: Number(url.port === '' ? 6379 : url.port),
  db: Number(url.pathname.slice(1)),
  ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
  ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
};

async function reportMany(reporter: Reporter, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    reporter.report({
      type: 'job.started',
      subject: `job/builds/${i}@1700000000000`,
      data: {
        queue: 'builds',
        taskName: 'build',
        user: `user-${i % 100}`,
        attempt: 1,
        nodes: 1 + (i % 8),
        worker: 'w-1',
      },
    });
    if (i % BURST !== 0) continue;
    await turn();
    while (reporter.stats().buffered > MOST_BUFFERED) await sleep(1);
  }
  const left = await reporter.flush({ deadlineMs: 60_000 });
  if (left > 0) throw new Error(`${left} events did not reach the queue`);
}

async function measureReporting(
  events: number,
): Promise<Pick<ReporterBench, 'cpuMicros' | 'eventsPerSecond'>> {
  const reporter = createReporter({ connection: REDIS_URL, tenant: 'bench' });
  await reportMany(reporter, Math.max(5_000, Math.ceil(events / 10)));
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await reportMany(reporter, events);
  const took = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  await reporter.close();
  return { cpuMicros: (user + system) / events, eventsPerSecond: (events / took) * 1_000 };
}

/** Jobs per second that a worker takes from a full queue. */
async function rateOf(jobs: number, instrumented: boolean, processor: () => Promise<void>): Promise<number> {
  const name = `bench-${instrumented ? 'ours' : 'bare'}`;
  const options = { tenant: 'bench', connection: REDIS_URL };
  const watched = <T extends Queue | Worker>(one: T): T => (instrumented ? instrument(one, options) : one);
  const queue = watched(new Queue(name, { connection, prefix: '{quipu-bench}' }));
  const batch = Array.from({ length: jobs }, () => ({ name: 'job', data: {} }));
  await queue.addBulk(batch);
  const settings = { connection, prefix: '{quipu-bench}', concurrency: CONCURRENCY, autorun: false };
  const worker = watched(new Worker(name, processor, { ...settings, removeOnComplete: { count: 0 } }));
  await worker.waitUntilReady();
  const startedAt = performance.now();
  await new Promise<void>((resolve, reject) => {
    let left = jobs;
    worker.on('completed', () => {
      left -= 1;
      if (left === 0) resolve();
    });
    worker.on('error', reject);
    worker.run().catch(reject);
  });
  const took = performance.now() - startedAt;
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  return (jobs / took) * 1_000;
}

/** The best of some rounds, in turns, so that what else the machine does meets both alike. */
async function measureWorker(jobs: number, processor: () => Promise<void>): Promise<Rates> {
  const best = { ours: 0, bare: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    best.bare = Math.max(best.bare, await rateOf(jobs, false, processor));
    best.ours = Math.max(best.ours, await rateOf(jobs, true, processor));
  }
  return best;
}

const [events = 0, jobs = 0] = process.argv.slice(2).map(Number);
const result: ReporterBench = {
  ...(await measureReporting(events)),
  idle: await measureWorker(jobs, () => Promise.resolve()),
  working: await measureWorker(Math.ceil(jobs / 4), () => sleep(WORK_MS)),
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
