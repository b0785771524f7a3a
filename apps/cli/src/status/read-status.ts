import { EventLog } from '@quipu/event-log';
import { type KnownDrift, readDrift, TotalsReader } from '@quipu/ledger';
import { orphanedSystem, runningSupervisor } from '@quipu/platform';
import { StatusQueries } from '@quipu/read-models';
import { readSweeperStatus } from '@quipu/sweeper';
import { type Queue } from 'bullmq';
import { type Redis } from 'ioredis';
import { countConsumers } from '../support/queue.js';
import { type Services } from '../support/services.js';

/** The state of the whole system, as `status` shows it. Positions are decimal strings. */
export interface SystemStatus {
  /**
   * Whether a supervisor runs here, and where its API answers. Phase `orphaned`: the supervisor was killed, the
   * programs live on.
   */
  readonly system: { readonly phase: string; readonly url: string; readonly programs: string[] } | null;
  readonly log: { readonly position: string; readonly lastEvent: string | null };
  readonly ledger: {
    readonly position: string;
    /** Events in the log that are not in the ledger yet. */
    readonly behindEvents: string;
    /** How long the first of them has been waiting, in seconds. */
    readonly behindSeconds: number;
    readonly halted: {
      readonly position: string;
      readonly error: string;
      readonly since: string | null;
    } | null;
    /** What has to be run before the projection goes on from tables that other code or buckets made; null for nothing. */
    readonly needs: 'reseed' | 'rebuild' | null;
  };
  readonly queue: QueueStatus | null;
  readonly sweeper: SweeperReport;
  /** Null when Redis does not answer. */
  readonly totals: TotalsStatus | null;
  /** Open dead letters by reason. */
  readonly deadLetters: Record<string, number>;
  readonly epoch: string | null;
}

/** Whether workers that fall silent are found, and how many were. Counts are decimal strings. */
export interface SweeperReport {
  /** `silent`: no projector has been at it for a minute. `off`: nor is it meant to. */
  readonly state: 'judging' | 'aside' | 'silent' | 'off';
  /** Why it stands aside, and since when. */
  readonly reason: string | null;
  readonly since: string | null;
  /** Lives of workers declared lost, runs ended by estimate with them, and those of them that went on after all. */
  readonly lost: string;
  readonly ended: string;
  readonly woken: string;
}

/** Jobs in the queue of events. */
export interface QueueStatus {
  readonly waiting: number;
  readonly active: number;
  readonly failed: number;
  /** Processes that take jobs. */
  readonly consumers: number;
}

/** The totals that Redis mirrors. */
export interface TotalsStatus {
  /** Whether readers are answered from them, or why not. */
  readonly state: 'ok' | 'missing' | 'torn' | 'foreign';
  /** Series in which they are known to differ from Postgres; null when nobody compared these totals yet. */
  readonly drift: number | null;
  /** What the last `reconcile` came to. */
  readonly reconciled: {
    readonly at: string;
    readonly position: string;
    readonly drift: number;
    readonly healed: boolean;
  } | null;
}

/** Reads the state of the system; queue and totals are null when Redis does not answer. */
export async function readStatus(
  services: Services,
  queue: Queue | null,
  redis: Redis | null,
): Promise<SystemStatus> {
  const { pool, config } = services;
  const log = new EventLog(pool);
  const ledger = await new StatusQueries(pool).read();
  const { recordedMs } = await log.head();
  return {
    system: readSystem(config.dataDir),
    log: { position: String(ledger.logPosition), lastEvent: iso(recordedMs) },
    ledger: {
      position: String(ledger.checkpoint),
      behindEvents: String(ledger.lagEvents),
      behindSeconds: ledger.lagMs / 1000,
      halted:
        ledger.halted === null
          ? null
          : {
              position: String(ledger.halted.position),
              error: ledger.halted.error,
              since: iso(ledger.halted.sinceMs),
            },
      needs: ledger.needs,
    },
    queue: queue === null ? null : await readQueue(queue, services.redisUrl),
    sweeper: await readSweeper(services),
    totals: redis === null ? null : await readTotals(redis, ledger.epoch),
    deadLetters: Object.fromEntries(await log.countDeadLetters()),
    epoch: ledger.epoch,
  };
}

function readSystem(dataDir: string): SystemStatus['system'] {
  const supervisor = runningSupervisor(dataDir);
  const found = supervisor ?? orphanedSystem(dataDir);
  if (found === null) return null;
  const { url, programs } = found;
  const phase = supervisor === null ? 'orphaned' : found.phase;
  return { phase, url, programs: programs.map(({ name }) => name) };
}

async function readSweeper({ pool, config }: Services): Promise<SweeperReport> {
  const { state, reason, sinceMs, lost, ended, woken } = await readSweeperStatus(pool);
  return {
    state: state === 'silent' && config.workerLeaseSeconds === 0 ? 'off' : state,
    ...{ reason, since: iso(sinceMs), lost: String(lost), ended: String(ended), woken: String(woken) },
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

async function readQueue(queue: Queue, redisUrl: string): Promise<QueueStatus | null> {
  try {
    const counts = await queue.getJobCounts('waiting', 'active', 'failed', 'delayed', 'prioritized');
    const { waiting = 0, delayed = 0, prioritized = 0, active = 0, failed = 0 } = counts;
    return {
      waiting: waiting + delayed + prioritized,
      active,
      failed,
      consumers: await countConsumers(queue, redisUrl),
    };
  } catch {
    return null;
  }
}

async function readTotals(redis: Redis, epoch: string | null): Promise<TotalsStatus | null> {
  const answer = await new TotalsReader(redis).read({ epoch: epoch ?? '', now: 0, amounts: 'none' });
  const state = answer.usable ? 'ok' : answer.reason;
  if (state === 'unreachable') return null;
  try {
    return { state, ...driftOf(await readDrift(redis)) };
  } catch {
    return null;
  }
}

function driftOf(known: KnownDrift | null): Pick<TotalsStatus, 'drift' | 'reconciled'> {
  if (known === null) return { drift: null, reconciled: null };
  const { atMs, position, drift, healed, current } = known;
  const left = healed ? 0 : drift;
  return {
    drift: current ? left : null,
    reconciled: { at: new Date(atMs).toISOString(), position, drift, healed },
  };
}
