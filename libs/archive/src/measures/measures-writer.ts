import {
  classifyPgError,
  type Clock,
  type IoSteps,
  type Logger,
  noIoSteps,
  withTransaction,
} from '@quipu/platform';
import type { ClientBase, Pool } from 'pg';
import { noteBatches } from '../store/batch-rows.js';
import { existingMetrics, type LockedMetric, lockMetrics } from '../store/lock-metrics.js';
import { amongPending, pendingMetrics, takePending } from '../store/pending-rows.js';
import { type MeasuredResource, reopenResources } from '../store/reopen-resources.js';
import { loadSeries, storeSeries } from '../store/series-rows.js';
import { expireSplits, storeSplits } from '../store/split-rows.js';
import type { MetricPoints } from './batch-codec.js';
import { type MetricWork, workOn } from './metric-work.js';
import type { Points } from './points.js';
import { PENDING_LIMITS, type PendingLimits, setAside } from './set-aside.js';

/** A batch as it came out of the queue. */
export interface MeasuresBatch {
  readonly id: string;
  readonly parts: readonly MetricPoints[];
}

/** What became of measures. */
export interface WrittenMeasures {
  /** Batches that had taken effect before. */
  readonly duplicates: number;
  /** Measures aggregated. */
  readonly taken: number;
  /** Measures that were too old. */
  readonly late: number;
  /** Measures of metrics that are gone. */
  readonly orphaned: number;
  /** Measures put aside, since somebody else had their metric. */
  readonly deferred: number;
  /** Measures for which there was no room beside those that wait for their metric already. */
  readonly dropped: number;
  /** Metrics of which a pass failed; their measures are put aside. */
  readonly failed: readonly string[];
}

/** What a {@link MeasuresWriter} needs. */
export interface MeasuresWriterOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly io?: IoSteps;
  /** What may wait for one metric. */
  readonly pendingLimits?: PendingLimits;
}

/** What became of measures that were put aside. */
export type PendingTaken = Pick<WrittenMeasures, 'taken' | 'late' | 'failed'>;

/** SQLSTATE of a lock that was waited for too long. */
const LOCK_NOT_AVAILABLE = '55P03';
/** SQLSTATE of a transaction that had to give way. */
const DEADLOCK = '40P01';

/** Stored bytes of metrics that are in memory at a time; decoded and encoded they take several times as much. */
const SLICE_BYTES = 4 << 20;
const SLICE_METRICS = 500;
/** What comes for a metric that failed is only put aside for this long (ms). */
const REST_MS = 60_000;

/**
 * Takes measures into the series of their metrics.
 *
 * A batch's identity and its effect commit together, so a batch takes effect once, however often it is delivered. A
 * metric is locked while it changes; what somebody else has locked is not waited for: its points are put aside in the
 * same transaction, and taken by the next pass over that metric. So a busy metric never holds up others, and neither
 * does one that cannot be written: what fails alone is put aside, and what comes for it too for a while.
 */
export class MeasuresWriter {
  private readonly io: IoSteps;
  /** Metrics that failed, and when (ms). */
  private readonly resting = new Map<string, number>();

  constructor(private readonly options: MeasuresWriterOptions) {
    this.io = options.io ?? noIoSteps;
  }

  /** Applies batches, in their order, in one transaction. */
  async apply(batches: readonly MeasuresBatch[]): Promise<WrittenMeasures> {
    const { pool, clock } = this.options;
    await this.io.step('measures.apply:before');
    const result = await withTransaction(pool, async (client) => {
      const ids = batches.map(({ id }) => id);
      const fresh = await noteBatches(client, ids, clock.now());
      const duplicates = batches.length - fresh.size;
      const parts = new Map<string, Points[]>();
      for (const { id, parts: given } of batches) {
        // The same batch twice in one call counts once.
        if (!fresh.delete(id)) continue;
        for (const { metricId, points } of given) push(parts, metricId, points);
      }
      const written = await this.takeParts(client, parts);
      await this.io.step('measures.commit:before');
      return { ...written, duplicates };
    });
    await this.io.step('measures.apply:after');
    return result;
  }

  /**
   * Processes what is put aside for metrics.
   * @param patienceMs how long to wait for metrics that somebody else has locked.
   * @returns `locked` if that is over.
   */
  async processPending(metricIds: readonly string[], patienceMs: number): Promise<'done' | 'locked'> {
    const waiting = await amongPending(this.options.pool, metricIds);
    if (waiting.length === 0) return 'done';
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const patience = `${Math.max(1, Math.ceil(deadline - performance.now()))}ms`;
      try {
        await withTransaction(this.options.pool, async (client) => {
          await client.query(`SELECT set_config('lock_timeout', $1, true)`, [patience]);
          await this.passesApart(client, await lockMetrics(client, waiting, true), new Map());
        });
        return 'done';
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : null;
        if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK) throw error;
        // Who was waited for crosswise goes on now.
        if (code === DEADLOCK && performance.now() < deadline) continue;
        return 'locked';
      }
    }
  }

  /** Processes what is put aside for metrics that nobody has locked, some of them. */
  async takeUpPending(except: ReadonlySet<string>): Promise<PendingTaken> {
    const { pool } = this.options;
    const waiting = [...(await pendingMetrics(pool, SLICE_METRICS)).keys()].filter((id) => !except.has(id));
    if (waiting.length === 0) return { taken: 0, late: 0, failed: [] };
    await this.io.step('measures.pending:before');
    const written = await withTransaction(pool, async (client) => {
      const locked = await lockMetrics(client, waiting, false);
      return this.passesApart(client, locked, new Map());
    });
    await this.io.step('measures.pending:after');
    return written;
  }

  private async takeParts(
    client: ClientBase,
    parts: ReadonlyMap<string, Points[]>,
  ): Promise<WrittenMeasures> {
    if (parts.size === 0) return { ...NOTHING };
    const now = this.options.clock.now();
    for (const [id, since] of this.resting) if (now - since > REST_MS) this.resting.delete(id);
    const awake = [...parts.keys()].filter((id) => !this.resting.has(id));
    const locked = await lockMetrics(client, awake, false);
    const written = await this.passesApart(client, locked, parts);
    if (locked.length === parts.size) return written;
    const mine = new Set(locked.map(({ id }) => id));
    const others = [...parts].filter(([id]) => !mine.has(id));
    const existing = await existingMetrics(
      client,
      others.map(([id]) => id),
    );
    const deferred = others.filter(([id]) => existing.has(id));
    const dropped = await this.setAside(client, deferred);
    const count = (list: readonly (readonly [string, readonly Points[]])[]): number =>
      list.reduce((sum, [, chunks]) => sum + lengthOf(chunks), 0);
    return {
      ...written,
      deferred: count(deferred) - dropped,
      orphaned: count(others) - count(deferred),
      dropped: written.dropped + dropped,
    };
  }

  /**
   * One pass over each of some metrics that are locked. Where a statement fails for what is in it, the metrics are
   * halved until it is known whose measures those are; they alone are put aside.
   */
  private async passesApart(
    client: ClientBase,
    locked: readonly LockedMetric[],
    parts: ReadonlyMap<string, readonly Points[]>,
  ): Promise<WrittenMeasures> {
    if (locked.length === 0) return { ...NOTHING };
    await client.query('SAVEPOINT apart');
    try {
      const written = await this.passes(client, locked, parts);
      await client.query('RELEASE SAVEPOINT apart');
      return written;
    } catch (error) {
      const kind = classifyPgError(error);
      if (kind === 'retry' || kind === 'conflict') throw error;
      await client.query('ROLLBACK TO SAVEPOINT apart; RELEASE SAVEPOINT apart');
      if (locked.length === 1) return this.fail(client, locked[0]!.id, error, parts);
    }
    const middle = locked.length >>> 1;
    const one = await this.passesApart(client, locked.slice(0, middle), parts);
    const other = await this.passesApart(client, locked.slice(middle), parts);
    return {
      ...{ ...NOTHING, taken: one.taken + other.taken, late: one.late + other.late },
      dropped: one.dropped + other.dropped,
      failed: [...one.failed, ...other.failed],
    };
  }

  private async fail(
    client: ClientBase,
    id: string,
    error: unknown,
    parts: ReadonlyMap<string, readonly Points[]>,
  ): Promise<WrittenMeasures> {
    this.options.logger.error({ metric: id, err: error }, 'measures of a metric cannot be aggregated');
    this.resting.set(id, this.options.clock.now());
    const dropped = await this.setAside(client, [[id, parts.get(id) ?? []]]);
    return { ...NOTHING, dropped, failed: [id] };
  }

  private setAside(client: ClientBase, parts: Parameters<typeof setAside>[1]): Promise<number> {
    return setAside(client, parts, this.options.pendingLimits ?? PENDING_LIMITS);
  }

  /** One pass over each of some metrics that are locked, some of them at a time, so that memory is bounded. */
  private async passes(
    client: ClientBase,
    locked: readonly LockedMetric[],
    parts: ReadonlyMap<string, readonly Points[]>,
  ): Promise<WrittenMeasures> {
    const total = { ...NOTHING, failed: [] as string[] };
    const measured: MeasuredResource[] = [];
    for (const slice of slices(locked)) {
      const ids = slice.map(({ id }) => id);
      const pending = await takePending(client, ids);
      const rows = await loadSeries(client, ids);
      await this.io.step('measures.load:after');
      const work: MetricWork[] = slice.map(({ id, policy }, place) => ({
        ...{ id, policy, row: rows.get(place) ?? null },
        chunks: [...(pending.get(place) ?? []), ...(parts.get(id) ?? [])],
      }));
      const resourceOf = new Map(slice.map(({ id, resource }) => [id, resource]));
      const chunksOf = new Map(work.map(({ id, chunks }) => [id, chunks]));
      for await (const done of workOn(client, work)) {
        for (const { id, error } of done.failures) {
          // One metric's defect must not hold up the others, nor lose what was measured.
          this.options.logger.error({ metric: id, err: error }, 'measures of a metric cannot be aggregated');
          this.resting.set(id, this.options.clock.now());
        }
        total.dropped += await this.setAside(
          client,
          done.failures.map(({ id }) => [id, chunksOf.get(id)!] as const),
        );
        await storeSeries(client, done.series);
        await storeSplits(client, done.splits);
        await expireSplits(client, done.expiries);
        for (const [id, newest] of done.newest) {
          const resource = resourceOf.get(id);
          if (resource) measured.push({ resource, newest });
        }
        total.taken += done.taken;
        total.late += done.late;
        total.failed.push(...done.failures.map(({ id }) => id));
      }
      await this.io.step('measures.store:after');
    }
    await reopenResources(client, measured, this.options.clock.now());
    return total;
  }
}

const NOTHING = {
  duplicates: 0,
  taken: 0,
  late: 0,
  orphaned: 0,
  deferred: 0,
  dropped: 0,
  failed: [] as readonly string[],
};

function push(parts: Map<string, Points[]>, metricId: string, points: Points): void {
  const chunks = parts.get(metricId);
  if (chunks === undefined) parts.set(metricId, [points]);
  else chunks.push(points);
}

function lengthOf(chunks: readonly Points[]): number {
  return chunks.reduce((sum, { values }) => sum + values.length, 0);
}

function* slices(locked: readonly LockedMetric[]): Generator<LockedMetric[]> {
  let slice: LockedMetric[] = [];
  let bytes = 0;
  for (const metric of locked) {
    if (slice.length > 0 && (bytes + metric.bytes > SLICE_BYTES || slice.length === SLICE_METRICS)) {
      yield slice;
      [slice, bytes] = [[], 0];
    }
    slice.push(metric);
    bytes += metric.bytes;
  }
  if (slice.length > 0) yield slice;
}
