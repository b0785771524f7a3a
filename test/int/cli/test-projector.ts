import { LIFECYCLE_QUEUE, parseEvent, parseQueuePayload, QUEUE_PREFIX } from '@quipu/contracts';
import { TenantDirectory } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { createLedgerRunner } from '@quipu/ledger';
import { type Clock, createLogger, createPool, createRedis, systemClock } from '@quipu/platform';
import { type Job, Worker } from 'bullmq';

/** A projector as plain as can be, in this process. */
export interface TestProjector {
  stop(): Promise<void>;
}

/**
 * Takes jobs from the queue into the log, and runs the real ledger projection.
 * @param clock what events must not lie ahead of.
 */
export async function startTestProjector(
  databaseUrl: string,
  redisUrl: string,
  clock: Clock = systemClock,
): Promise<TestProjector> {
  const pool = createPool(databaseUrl);
  const log = new EventLog(pool);
  const tenants = new TenantDirectory(pool);
  const take = async (job: Job): Promise<void> => {
    const payload = parseQueuePayload(job.data);
    if ('error' in payload) throw new Error(payload.error);
    const limits = { nowMs: clock.now(), maxAgeMs: 1_000, backfill: payload.backfill };
    const events = payload.events.map((raw) => {
      const parsed = parseEvent(raw, limits);
      if (!parsed.ok) throw new Error(parsed.detail);
      return parsed.event;
    });
    await tenants.ensure(
      events.map((event) => event.tenant),
      'auto',
    );
    await log.append({ events });
  };
  const connection = createRedis(redisUrl, 'consumer');
  const worker = new Worker(LIFECYCLE_QUEUE, take, { connection, prefix: QUEUE_PREFIX, concurrency: 4 });
  worker.on('error', () => undefined);
  await worker.waitUntilReady();
  const mirror = createRedis(redisUrl, 'plain');
  const logger = createLogger('test', 'silent');
  const runner = createLedgerRunner({
    databaseUrl,
    redis: mirror,
    log,
    clock: systemClock,
    logger,
    pollMs: 20,
  });
  runner.start();
  return {
    stop: async () => {
      await worker.close();
      await runner.stop();
      connection.disconnect();
      mirror.disconnect();
      await pool.end();
    },
  };
}
