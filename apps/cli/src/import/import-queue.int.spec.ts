import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  canonicalEvent,
  LIFECYCLE_QUEUE,
  type LogEvent,
  parseEvent,
  parseQueuePayload,
  QUEUE_PREFIX,
} from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { createRedis } from '@quipu/platform';
import { type Job, Queue, Worker } from 'bullmq';
import { type Redis } from 'ioredis';
import {
  testDatabase,
  type TestDatabase,
  testRedis,
  type TestRedis,
} from '../../../../test/support/index.js';
import { countConsumers } from '../support/queue.js';
import { importViaQueue } from './import-queue.js';
import { noOutcome, type Outcome } from './outcome.js';
import { regroup } from './regroup.js';
import { type SourceBatch } from './source.js';
import { swfSource } from './swf-source.js';

const SMALL = 'test/fixtures/swf/small.swf';
const NOW = Date.parse('2026-11-20T08:00:00Z');

/** What a consumer does with a job instead of appending all of its events. */
type Fate = (job: Job, events: LogEvent[]) => Promise<LogEvent[]> | LogEvent[];

let database: TestDatabase;
let redis: TestRedis;
let connection: Redis;
let queue: Queue;
let log: EventLog;
let worker: Worker | undefined;

beforeEach(async () => {
  database = await testDatabase();
  redis = await testRedis();
  connection = createRedis(redis.url, 'plain');
  queue = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
  log = new EventLog(database.pool);
});

afterEach(async () => {
  await worker?.close();
  worker = undefined;
  await queue.close();
  connection.disconnect();
  await redis.release();
  await database.drop();
});

/** A consumer as plain as can be: what `fate` leaves of a job's events is appended. */
function consume(fate: Fate = (_job, events) => events): void {
  const process = async (job: Job): Promise<void> => {
    const payload = parseQueuePayload(job.data);
    if ('error' in payload) throw new Error(payload.error);
    const limits = { nowMs: Date.now(), maxAgeMs: 0, backfill: payload.backfill };
    const events = payload.events.map((raw) => {
      const parsed = parseEvent(raw, limits);
      if (!parsed.ok) throw new Error(parsed.detail);
      return parsed.event;
    });
    await log.append({ events: await fate(job, events) });
  };
  const own = createRedis(redis.url, 'consumer');
  worker = new Worker(LIFECYCLE_QUEUE, process, { connection: own, prefix: QUEUE_PREFIX, concurrency: 3 });
  worker.on('error', () => undefined);
  worker.on('closed', () => own.disconnect());
}

function small(): AsyncIterable<SourceBatch> {
  return swfSource(createReadStream(SMALL), { tenantBy: 'group', nowMs: NOW }).batches;
}

async function run(
  batches: AsyncIterable<SourceBatch>,
  groupSize = 40,
  notes: string[] = [],
): Promise<{ outcome: Outcome }> {
  const outcome = noOutcome();
  await importViaQueue(regroup(batches, groupSize, 1_000_000), {
    ...{
      queue,
      consumers: () => countConsumers(queue, redis.url),
      pool: database.pool,
      log,
      outcome,
      backfill: true,
      sinceMs: Date.now() - 60_000,
    },
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onWait: () => notes.push('waiting'),
    onNobodyThere: () => notes.push('nobody there'),
  });
  return { outcome };
}

async function countEvents(): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>('SELECT count(*)::int AS count FROM log');
  return rows[0]?.count ?? 0;
}

describe('importing through the queue', () => {
  it('ends when the log holds everything, and repeats without adding anything', async () => {
    consume();
    const { outcome } = await run(small());
    expect(outcome).toMatchObject({ duplicates: 0, conflicts: 0, resent: 0 });
    expect(await countEvents()).toBe(outcome.added);
    const again = (await run(small())).outcome;
    expect(again).toMatchObject({ added: 0, duplicates: outcome.added });
    expect(await queue.getJobCounts()).toMatchObject({ waiting: 0, active: 0, failed: 0 });
  });

  it('sends again what got lost on the way', async () => {
    let jobs = 0;
    consume((_job, events) => {
      jobs += 1;
      if (jobs > 6) return events;
      if (jobs % 3 === 0) return [];
      return jobs % 3 === 1 ? events.slice(0, 5) : events;
    });
    const { outcome } = await run(small());
    expect(outcome.resent).toBeGreaterThan(0);
    expect(await countEvents()).toBe(outcome.added);
    expect((await run(small())).outcome.added).toBe(0);
  });

  it('survives a Redis that is emptied in the middle', async () => {
    let emptied = false;
    consume(async (_job, events) => {
      if (emptied) return events;
      emptied = true;
      await redis.redis.flushdb();
      return [];
    });
    const { outcome } = await run(small());
    expect(outcome.resent).toBeGreaterThan(0);
    expect(await countEvents()).toBe(outcome.added);
  });

  it('ends although events are refused on the other side, and says so', async () => {
    consume(async (_job, events) => {
      const [first, ...others] = events;
      const letter = {
        raw: Buffer.from(canonicalEvent(first!)),
        reason: 'unknown-tenant' as const,
        detail: 'test',
      };
      await log.append({ events: [], deadLetters: [letter] });
      return others;
    });
    const { outcome } = await run(small());
    const refused = outcome.refused.get('unknown-tenant') ?? 0;
    expect(refused).toBeGreaterThan(0);
    expect(outcome.resent).toBe(0);
    expect(await countEvents()).toBe(outcome.added);
    const letters = await log.countDeadLetters();
    expect(letters.get('unknown-tenant')).toBe(refused);
  });

  it('waits for somebody to take the jobs, and tells that nobody does', async () => {
    const notes: string[] = [];
    const running = run(small(), 40, notes);
    while ((await queue.getWaitingCount()) === 0) await sleep(10);
    while (notes.length === 0) await sleep(50);
    expect(notes).toEqual(['nobody there']);
    consume();
    const { outcome } = await running;
    expect(await countEvents()).toBe(outcome.added);
  }, 60_000);

  it('counts an event that stands twice in the file once', async () => {
    consume();
    const twice = async function* (): AsyncGenerator<SourceBatch> {
      for await (const batch of small()) yield { ...batch, events: [...batch.events, ...batch.events] };
    };
    const { outcome } = await run(twice());
    expect(outcome.duplicates).toBe(outcome.added);
    expect(await countEvents()).toBe(outcome.added);
  });
});
