import { type Clock, createPool, type IoSteps, type Logger } from '@quipu/platform';
import {
  type BatchLimits,
  type EventSourceLog,
  PROJECTION_SESSION,
  ProjectionRunner,
  rebuildInPlace,
  type RebuildLog,
  type RebuildProgress,
  reseedInPlace,
  type RunnerState,
} from '@quipu/projection-engine';
import { type Redis } from 'ioredis';
import { type LedgerBatch, LedgerProjection } from './projection/ledger-projection.js';
import { type TotalsState, TotalsWriter } from './totals/totals-writer.js';

/** What {@link createLedgerRunner} needs. */
export interface LedgerRunnerOptions {
  readonly databaseUrl: string;
  /** Where totals are mirrored; null for none. Should fail fast (`createRedis(url, 'producer')`). */
  readonly redis: Redis | null;
  readonly log: EventSourceLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly io?: IoSteps;
  readonly limits?: Partial<BatchLimits>;
  readonly pollMs?: number;
}

/** The ledger projection, running. */
export interface LedgerRunner {
  start(): void;
  /** Finishes the batch under way, then closes every connection that the runner opened; it cannot start again. */
  stop(): Promise<void>;
  /** What projection and mirror are doing; `totals` is null without a Redis. */
  state(): RunnerState & { readonly totals: TotalsState | null };
  /** Resolves when the projection has passed `position`; rejects when it is stopped before. */
  whenPosition(position: bigint): Promise<void>;
}

/**
 * Everything the ledger projection needs in one process: runner, tables, mirror. Three connections to Postgres at
 * most (leader, state reader, snapshots for reloads), beside those of the log.
 */
export function createLedgerRunner(options: LedgerRunnerOptions): LedgerRunner {
  const { databaseUrl, redis, logger, io } = options;
  const reader = stateReader(databaseUrl);
  const snapshots = createPool(databaseUrl, { max: 1, applicationName: 'quipu-ledger-snapshots' });
  const totals =
    redis === null
      ? null
      : new TotalsWriter({
          redis,
          pool: snapshots,
          logger,
          ...(io === undefined ? {} : { io }),
        });
  const handler = new LedgerProjection({ reader, mirror: totals });
  const runner = new ProjectionRunner<LedgerBatch>({ ...options, handler });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await runner.stop();
    await totals?.settled();
    await Promise.all([reader.end(), snapshots.end()]);
  };
  return {
    start: () => runner.start(),
    stop: () => (stopped ??= stop()),
    state: () => ({ ...runner.state(), totals: totals?.state() ?? null }),
    whenPosition: (position) => runner.whenPosition(position),
  };
}

/**
 * Batches of a replay. Larger ones than those of the live projection, since nobody waits for the next number: most jobs
 * begin and end within one, so that their states and sums are written once. Larger still costs memory and gains nothing.
 */
export const REPLAY_LIMITS: BatchLimits = { maxEvents: 20_000, maxBytes: 32 * 1024 * 1024 };

/** What {@link rebuildLedger} needs. */
export interface RebuildLedgerOptions extends Omit<LedgerRunnerOptions, 'log' | 'redis' | 'pollMs'> {
  readonly log: RebuildLog;
  readonly progress?: (progress: RebuildProgress) => void;
  /** Ends the replay in good order; whoever runs the projection next goes on. */
  readonly signal?: AbortSignal;
}

/** Rebuilds the ledger in place; Redis follows when the next runner is elected. See `rebuildInPlace`. */
export async function rebuildLedger(options: RebuildLedgerOptions): Promise<RebuildProgress> {
  const reader = stateReader(options.databaseUrl);
  try {
    const handler = new LedgerProjection({ reader, mirror: null });
    return await rebuildInPlace<LedgerBatch>({
      ...options,
      limits: { ...REPLAY_LIMITS, ...options.limits },
      handler,
    });
  } finally {
    await reader.end();
  }
}

/** Makes the ledger's sums again from the stored states. See `reseedInPlace`. */
export async function reseedLedger(options: {
  readonly databaseUrl: string;
  readonly progress?: (entities: number) => void;
}): Promise<bigint> {
  const reader = stateReader(options.databaseUrl);
  try {
    return await reseedInPlace({
      ...options,
      handler: new LedgerProjection({ reader, mirror: null }),
    });
  } finally {
    await reader.end();
  }
}

/** Sessions that read states by primary key. */
export function stateReader(databaseUrl: string): ReturnType<typeof createPool> {
  return createPool(databaseUrl, {
    max: 1,
    applicationName: 'quipu-ledger-states',
    session: PROJECTION_SESSION,
  });
}
