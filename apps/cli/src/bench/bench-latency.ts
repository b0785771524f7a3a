import { setTimeout as sleep } from 'node:timers/promises';
import { toCloudEvent } from '@quipu/contracts';
import { LEDGER_PROJECTION } from '@quipu/ledger';
import { readCheckpoint } from '@quipu/projection-engine';
import { type Queue } from 'bullmq';
import { openQueue } from '../support/queue.js';
import { type CommandProjector } from '../support/projector.js';
import { type BenchRow, percentile } from './bench-row.js';
import { jobStep } from './job-step.js';
import { type BenchContext, onStage, type Stage, until, withProjector } from './stage.js';

const PER_SECOND = 2_000;
/** A projector that has just started compiles what it runs: that is told apart from how it goes on. */
const COLD_MS = 2_000;
const TICK_MS = 10;
const LOOK_EVERY_MS = 2;

/** When the checkpoint was first seen at a position. */
interface Sighting {
  readonly position: bigint;
  readonly at: number;
}

/** An event on its way: when it was handed over, ms after the first one, and how long it took to be visible. */
interface Seen {
  readonly sentMs: number;
  readonly ms: number;
}

/**
 * Time from handing an event to the queue until the ledger's committed checkpoint has passed it, while
 * 2,000 events a second arrive, one to a job.
 */
export async function benchLatency(context: BenchContext): Promise<BenchRow[]> {
  const seconds = Math.max(3, Math.round(15 * context.scale));
  context.say(`latency: ${PER_SECOND} events/s for ${seconds} s`);
  return onStage(context, (stage) =>
    withProjector(context, stage, async (projector) => {
      const queue = await openQueue(stage.services);
      const seen = await measure(stage, queue, projector, PER_SECOND * seconds);
      return [
        rowOf(
          'event to visible at 2,000 events/s (p50 / p99)',
          seen.filter(({ sentMs }) => sentMs >= COLD_MS),
        ),
        rowOf(
          '  of the first 2 s of a projector',
          seen.filter(({ sentMs }) => sentMs < COLD_MS),
        ),
      ];
    }),
  );
}

function rowOf(name: string, seen: readonly Seen[]): BenchRow {
  const latencies = seen.map(({ ms }) => ms);
  const p50 = percentile(latencies, 0.5);
  const p99 = percentile(latencies, 0.99);
  return {
    ...{ bench: 'latency', name, unit: 'ms' },
    ...{ oursValue: p99, referenceValue: null, ratio: null, floor: null },
    ours: `${p50.toFixed(0)} / ${p99.toFixed(0)} ms`,
    reference: '',
  };
}

async function measure(
  stage: Stage,
  queue: Queue,
  projector: CommandProjector,
  count: number,
): Promise<Seen[]> {
  const sentAt = new Map<string, number>();
  const sightings: Sighting[] = [];
  const stop = new AbortController();
  const watching = watch(stage, sightings, stop.signal);
  await send(queue, projector, count, sentAt);
  await until(projector, async () => {
    const { rows } = await stage.pool.query<{ last: string | null }>(
      'SELECT max(position)::text AS last FROM log',
    );
    const events = await stage.pool.query<{ count: string }>('SELECT count(*)::text AS count FROM event_ids');
    const seen = sightings.at(-1)?.position ?? 0n;
    return Number(events.rows[0]?.count) >= count && seen >= BigInt(rows[0]?.last ?? 0);
  });
  stop.abort();
  await watching;
  const { rows } = await stage.pool.query<{ event_id: string; position: string }>(
    'SELECT event_id, position FROM log ORDER BY position',
  );
  const [first = 0] = sentAt.values();
  let next = 0;
  return rows.map((row) => {
    while (sightings[next]!.position < BigInt(row.position)) next += 1;
    const sent = sentAt.get(row.event_id)!;
    return { sentMs: sent - first, ms: sightings[next]!.at - sent };
  });
}

async function send(
  queue: Queue,
  projector: CommandProjector,
  count: number,
  sentAt: Map<string, number>,
): Promise<void> {
  const startedAt = performance.now();
  const pending: Promise<unknown>[] = [];
  for (let sent = 0; sent < count;) {
    projector.broken.throwIfAborted();
    const due = Math.min(count, Math.ceil(((performance.now() - startedAt) * PER_SECOND) / 1000));
    const jobs = [];
    for (; sent < due; sent += 1) {
      const event = jobStep(`g${Math.floor(sent / 3) % 10}`, sent);
      sentAt.set(event.id, performance.now());
      jobs.push({ name: 'event', data: toCloudEvent(event), opts: { removeOnComplete: true } });
    }
    if (jobs.length > 0) pending.push(queue.addBulk(jobs));
    await sleep(TICK_MS);
  }
  await Promise.all(pending);
}

async function watch(stage: Stage, sightings: Sighting[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const checkpoint = await readCheckpoint(stage.pool, LEDGER_PROJECTION);
    const position = checkpoint?.position ?? 0n;
    if (position > (sightings.at(-1)?.position ?? -1n)) sightings.push({ position, at: performance.now() });
    await sleep(LOOK_EVERY_MS);
  }
}
