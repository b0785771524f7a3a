import { TenantDirectory } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { createLogger, createPool, createRedis, systemClock, WRITER_SESSION } from '@quipu/platform';
import { Queue, Worker } from 'bullmq';
import { Ingest } from './ingest.js';

/** Jobs per second: this ingest, a BullMQ worker that does nothing, and the first divided by the second. */
export interface IngestDrainResult {
  ours: number;
  reference: number;
  ratio: number;
}

const CONCURRENCY = 500;
const QUEUE = { name: 'drain', prefix: '{quipu-bench}' };
const ADD_AT_ONCE = 1_000;

/** A single-event job like those of a worker; `round` makes its identity new. */
function jobData(round: string, i: number): object {
  return {
    specversion: '1.0',
    id: `${round}-${i}`,
    source: 'bench:drain',
    type: 'job.started',
    subject: `job/queue-${i % 5}/${i}@1700000000000`,
    tenant: `tenant-${i % 20}`,
    time: new Date(1_700_000_000_000 + i).toISOString(),
    dataversion: 1,
    data: {
      queue: `queue-${i % 5}`,
      user: `user-${i % 100}`,
      attempt: 1,
      nodes: 1 + (i % 64),
      cluster: `c-${i % 7}`,
    },
  };
}

async function fill(queue: Queue, round: string, jobs: number): Promise<void> {
  for (let start = 0; start < jobs; start += ADD_AT_ONCE) {
    const count = Math.min(ADD_AT_ONCE, jobs - start);
    const batch = Array.from({ length: count }, (_, i) => ({
      name: 'event',
      data: { events: [jobData(round, start + i)], import: true },
    }));
    await queue.addBulk(batch);
  }
}

/** Milliseconds that `start` takes to empty the queue; `done` is called per job. */
async function timeDrain(jobs: number, start: (done: () => void) => () => Promise<void>): Promise<number> {
  let stop: (() => Promise<void>) | undefined;
  const began = performance.now();
  await new Promise<void>((resolve) => {
    let left = jobs;
    stop = start(() => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  const took = performance.now() - began;
  await stop?.();
  return took;
}

/**
 * Drains `jobs` queued single-event jobs through the ingest into the log of `databaseUrl` (which must be
 * migrated, and keeps the events), and the same jobs by a BullMQ worker that does nothing, with the same
 * options, in this process. Each way twice, in turns; the better time of each counts.
 */
export async function benchIngestDrain(
  databaseUrl: string,
  redisUrl: string,
  jobs: number,
): Promise<IngestDrainResult> {
  const pool = createPool(databaseUrl, { session: WRITER_SESSION });
  const redis = createRedis(redisUrl, 'consumer', 'quipu-bench');
  const queue = new Queue(QUEUE.name, { connection: redis, prefix: QUEUE.prefix });
  const best = { ours: Infinity, reference: Infinity };
  try {
    for (let turn = 0; turn < 2; turn += 1) {
      await queue.obliterate({ force: true });
      await fill(queue, `${Date.now()}-reference`, jobs);
      best.reference = Math.min(best.reference, await timeDrain(jobs, (done) => drainIdly(redisUrl, done)));
      await fill(queue, `${Date.now()}-ours`, jobs);
      best.ours = Math.min(best.ours, await timeDrain(jobs, (done) => drainIntoLog(pool, redisUrl, done)));
    }
    await queue.obliterate({ force: true });
  } finally {
    await queue.close();
    redis.disconnect();
    await pool.end();
  }
  const rate = (ms: number) => Math.round((jobs / ms) * 1_000);
  return { ours: rate(best.ours), reference: rate(best.reference), ratio: best.reference / best.ours };
}

function drainIdly(redisUrl: string, done: () => void): () => Promise<void> {
  const connection = createRedis(redisUrl, 'consumer', 'quipu-bench-reference');
  const worker = new Worker(QUEUE.name, () => Promise.resolve(), {
    connection,
    prefix: QUEUE.prefix,
    concurrency: CONCURRENCY,
    lockDuration: 5_000,
    removeOnComplete: { count: 0 },
  });
  worker.on('completed', done);
  return async () => {
    await worker.close();
    connection.disconnect();
  };
}

function drainIntoLog(
  pool: ReturnType<typeof createPool>,
  redisUrl: string,
  done: () => void,
): () => Promise<void> {
  const ingest = new Ingest({
    redisUrl,
    log: new EventLog(pool),
    tenants: new TenantDirectory(pool),
    tenantMode: 'auto',
    maxEventAgeDays: 400,
    clock: systemClock,
    logger: createLogger('bench', 'warn'),
    concurrency: CONCURRENCY,
    queue: QUEUE,
    onCompleted: done,
  });
  ingest.start();
  return () => ingest.stop();
}
