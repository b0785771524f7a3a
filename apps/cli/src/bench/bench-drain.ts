import { setTimeout as sleep } from 'node:timers/promises';
import { type LogEvent, QUEUE_PREFIX, toCloudEvent } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { type Job, type Queue, Queue as BullQueue, Worker } from 'bullmq';
import { formatRate } from '../support/numbers.js';
import { openQueue } from '../support/queue.js';
import { type BenchRow } from './bench-row.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';

const ADD_AT_ONCE = 2_000;
const LOOK_EVERY_MS = 5;

/**
 * Draining queued jobs of one event each into the log, against a BullMQ worker that does nothing draining
 * the same jobs. Both are measured from the first job taken to the last one gone, so that the start of a
 * process is not part of it; the ledger is off, for it works behind the log.
 */
export async function benchDrain(context: BenchContext): Promise<BenchRow[]> {
  const jobs = Math.round(100_000 * context.scale);
  return onStage(context, async (stage) => {
    context.say(`drain: a worker that does nothing, ${jobs} jobs`);
    const reference = await drainByNobody(context, stage, jobs);
    context.say(`drain: ${jobs} jobs into the log`);
    const ours = await drainIntoLog(context, stage, jobs);
    return [
      {
        ...{ bench: 'drain', name: `draining ${jobs} queued jobs into the log`, unit: 'jobs/s' },
        ...{ oursValue: ours, referenceValue: reference, ratio: ours / reference },
        ours: formatRate(ours),
        reference: `${formatRate(reference)} no-op worker`,
        floor: { of: 'ratio', at: 'least', value: 0.5 },
      },
    ];
  });
}

async function drainIntoLog(context: BenchContext, stage: Stage, jobs: number): Promise<number> {
  const queue = await openQueue(stage.services);
  await fill(queue, jobs);
  return withProjector(
    context,
    stage,
    async (projector) => {
      const rate = await watchDrain(queue, jobs, () => projector.broken.throwIfAborted());
      const { rows } = await stage.pool.query<{ count: string }>(
        'SELECT count(*)::text AS count FROM event_ids',
      );
      if (Number(rows[0]?.count) !== jobs)
        throw new Error(`The log holds ${rows[0]?.count} of ${jobs} events.`);
      return rate;
    },
    { QUIPU_PROJECTOR_LEDGER: 'off' },
  );
}

async function drainByNobody(context: BenchContext, stage: Stage, jobs: number): Promise<number> {
  const connection = createRedis(stage.services.redisUrl, 'consumer', 'quipu-bench-noop');
  const queue = new BullQueue('bench-noop', { connection, prefix: QUEUE_PREFIX });
  await fill(queue, jobs);
  const worker = new Worker('bench-noop', (_job: Job) => Promise.resolve(), {
    connection: createRedis(stage.services.redisUrl, 'consumer', 'quipu-bench-noop-worker'),
    prefix: QUEUE_PREFIX,
    concurrency: context.services.config.ingestConcurrency,
    removeOnComplete: { count: 0 },
  });
  worker.on('error', () => undefined);
  try {
    return await watchDrain(queue, jobs, () => undefined);
  } finally {
    await worker.close();
    await queue.obliterate({ force: true });
    await queue.close();
    connection.disconnect();
  }
}

/** Jobs per second between the first look that sees one gone and the first that sees none left. */
async function watchDrain(queue: Queue, jobs: number, check: () => void): Promise<number> {
  let first: { at: number; left: number } | undefined;
  for (;;) {
    const at = performance.now();
    const counts = await queue.getJobCounts('waiting', 'active', 'prioritized', 'delayed');
    const left = Object.values(counts).reduce((sum, count) => sum + count, 0);
    if (first === undefined && left < jobs) first = { at, left };
    if (first !== undefined && left === 0) return (first.left * 1000) / (performance.now() - first.at);
    check();
    await sleep(LOOK_EVERY_MS);
  }
}

async function fill(queue: Queue, jobs: number): Promise<void> {
  for (let from = 0; from < jobs; from += ADD_AT_ONCE) {
    const some = Array.from({ length: Math.min(ADD_AT_ONCE, jobs - from) }, (_, index) => ({
      name: 'event',
      data: toCloudEvent(eventOf(from + index)),
      opts: { removeOnComplete: true },
    }));
    await queue.addBulk(some);
  }
}

function eventOf(index: number): LogEvent {
  return {
    ...{ tenant: `g${index % 10}`, source: 'bench', id: String(index), type: 'job.queued' },
    ...{ subject: `job/bench-${index}`, time: Date.now(), dataversion: 1 },
    data: { queue: `q${index % 5}`, user: `u${index % 50}`, nodes: 1 },
  };
}
