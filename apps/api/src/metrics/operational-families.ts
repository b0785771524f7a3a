import {
  labelText,
  NO_LABELS,
  scaledText,
  type Series,
  type SimpleFamily,
  type Value,
} from '@quipu/exposition';
import { archiveCounts, archiveQueueLength } from '@quipu/archive';
import {
  EventLog,
  type IngestCount,
  type LogIdentity,
  readIngestCounts,
  readLogIdentity,
} from '@quipu/event-log';
import { type KnownDrift, metricFamily, readDrift } from '@quipu/ledger';
import {
  GenerationStore,
  type SamplerState,
  StatusQueries,
  type Totals,
  WorkerConservation,
} from '@quipu/read-models';
import { readSweeperStatus } from '@quipu/sweeper';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { RefusalCounts, Refusals } from '../events/refusal-counts.js';
import { LastKnown } from './last-known.js';

/** Version, commit and runtime of this process. */
export interface Build {
  readonly version: string;
  /** Empty where nobody says. */
  readonly commit: string;
}

/** What {@link OperationalFamilies} asks. */
export interface OperationalFamiliesOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  /** What was refused over HTTP. */
  readonly refusals: Pick<RefusalCounts, 'read'>;
  readonly build: Build;
}

/** The one projection whose numbers are served. */
const PROJECTION = 'ledger';

/** Families about the system itself. Asking them costs what lags behind and what was refused, never what was logged. */
export class OperationalFamilies {
  private readonly status: StatusQueries;
  private readonly log: EventLog;
  private readonly conservation: WorkerConservation;
  private readonly drift: LastKnown<KnownDrift>;
  private readonly sampler: LastKnown<SamplerState>;
  private readonly measures: LastKnown<number>;
  private readonly refusals: LastKnown<Refusals>;
  private readonly pool: Pool;
  private readonly build: Build;

  constructor({ pool, redis, refusals, build }: OperationalFamiliesOptions) {
    this.pool = pool;
    this.build = build;
    this.status = new StatusQueries(pool);
    this.log = new EventLog(pool);
    this.conservation = new WorkerConservation(pool);
    this.drift = new LastKnown(redis, () => readDrift(redis));
    this.sampler = new LastKnown(redis, () => new GenerationStore(redis).state());
    this.measures = new LastKnown(redis, () => archiveQueueLength(redis));
    this.refusals = new LastKnown(redis, () => refusals.read());
  }

  /** `rm_build_info` of the restic-manager dialect. */
  resticBuild(name: string): SimpleFamily {
    const { version, commit } = this.build;
    const labels = labelText([
      ['version', version],
      ['commit', commit],
      ['go_version', process.version],
    ]);
    return { ...head('rm_build_info'), name, type: 'gauge', series: [{ labels, value: 1 }] };
  }

  /** What every scraper may know: the build. */
  shared(): SimpleFamily[] {
    const { version, commit } = this.build;
    const labels = labelText([
      ['version', version],
      ['commit', commit],
      ['node_version', process.version],
    ]);
    return [{ ...head('quipu_build'), type: 'info', series: [{ labels, value: 1 }] }];
  }

  /**
   * What only those may know who see the whole platform.
   * @param now ms
   * @param created since when the log counts, seconds
   * @throws when Postgres is away.
   */
  async platform(
    { fallback }: Pick<Totals, 'fallback'>,
    now: number,
    created: string,
  ): Promise<SimpleFamily[]> {
    const isAway = fallback === 'unreachable';
    const [status, letters, counts, conserved, sweeper, archive, drift, sampler, measures, refusals] =
      await Promise.all([
        this.status.read(),
        this.log.countDeadLetters(),
        readIngestCounts(this.pool),
        this.conservation.read(now),
        readSweeperStatus(this.pool),
        archiveCounts(this.pool),
        this.drift.read(isAway),
        this.sampler.read(isAway),
        this.measures.read(isAway),
        this.refusals.read(isAway),
      ]);
    const of = labelText([['projection', PROJECTION]]);
    const one = (value: Value): Series[] => [{ labels: of, value }];
    const rejected = counts.filter(({ kind }) => kind === 'rejected');
    const duplicates = counts.filter(({ kind }) => kind === 'duplicate');
    const total = (name: string, value: bigint) => counter(name, [{ labels: NO_LABELS, value, created }]);
    return [
      gauge('quipu_projection_position', one(status.checkpoint)),
      gauge('quipu_projection_lag_events', one(status.lagEvents)),
      gauge('quipu_projection_lag_seconds', one(scaledText(String(Math.round(status.lagMs)), 1000))),
      gauge('quipu_projection_halted', one(status.halted === null ? 0 : 1)),
      // Totals that were loaded anew since are others than those that differed.
      single('quipu_totals_drift', drift === null || drift.healed || !drift.current ? 0 : drift.drift),
      single('quipu_totals_compared_timestamp_seconds', scaledText(String(drift?.atMs ?? 0), 1000)),
      gauge(
        'quipu_worker_seconds_conserved_ratio',
        conserved.map(({ tenant, ratio }) => ({ labels: labelText([['tenant', tenant]]), value: ratio })),
      ),
      single('quipu_sampler_generation_timestamp_seconds', sampler?.timestamp ?? 0),
      single('quipu_sampler_points', sampler?.points ?? 0),
      single('quipu_sampler_points_left_out', sampler?.leftOut ?? 0),
      single('quipu_archive_queue_jobs', measures ?? 0),
      single('quipu_archive_pending_measures', archive.pending),
      single('quipu_archive_late_measures', archive.late),
      single('quipu_archive_dropped_measures', archive.dropped),
      gauge(
        'quipu_dead_letters',
        [...letters].sort().map(([reason, value]) => ({ labels: labelText([['reason', reason]]), value })),
      ),
      counter('quipu_ingest_rejected', [
        ...rejectedRows('http', httpRefusals(refusals)),
        ...rejectedRows('log', rejected),
      ]),
      total(
        'quipu_ingest_duplicates',
        duplicates.reduce((sum, { count }) => sum + count, 0n),
      ),
      total('quipu_lost_workers', sweeper.lost),
      total('quipu_runs_presumed_ended', sweeper.ended),
      total('quipu_runs_resumed', sweeper.woken),
      single('quipu_sweeper_judging', sweeper.state === 'judging' ? 1 : 0),
    ];
  }

  /** Which log is counted, and since when. Asked each time: it is another one when the database was restored. */
  countedLog(): Promise<LogIdentity> {
    return readLogIdentity(this.pool);
  }
}

/** A counter of one reason. */
type Rejected = Pick<IngestCount, 'reason' | 'count' | 'sinceMs'>;

function httpRefusals(refusals: Refusals | null): Rejected[] {
  if (refusals === null) return [];
  const { counts, sinceMs } = refusals;
  return [...counts].sort().map(([reason, count]) => ({ reason, count, sinceMs }));
}

/** @param door who refused it */
function rejectedRows(door: 'http' | 'log', rejected: readonly Rejected[]): Series[] {
  return rejected.map(({ reason, count, sinceMs }) => ({
    labels: labelText([
      ['door', door],
      ['reason', reason],
    ]),
    value: count,
    created: scaledText(String(sinceMs), 1000),
  }));
}

function head(name: string): { name: string; help: string; unit?: string } {
  const family = metricFamily(name);
  if (family === undefined) throw new Error(`the catalogue has no family ${name}`);
  return { name, help: family.help, ...(family.unit === undefined ? {} : { unit: family.unit }) };
}

function gauge(name: string, series: readonly Series[]): SimpleFamily {
  return { ...head(name), type: 'gauge', series };
}

function single(name: string, value: Value): SimpleFamily {
  return gauge(name, [{ labels: NO_LABELS, value }]);
}

function counter(name: string, series: readonly Series[]): SimpleFamily {
  return { ...head(name), type: 'counter', series };
}
