import { addSamples } from '../../metrics/contribute.js';
import { pushLevel, workerDimensions } from '../levels.js';
import {
  type Contributions,
  type EntityKey,
  type EntityKind,
  type LevelName,
  noContributions,
} from '../types.js';
import { mergeWorker, type WorkerState } from './worker-state.js';
import {
  type Connection,
  connectionsOf,
  connectionStanding,
  type ConnectionStanding,
  workerLives,
} from './worker-timeline.js';

/** Time that accrues, in slot-milliseconds: at `now` it comes to `base + rate · now`. */
export interface SlotTime {
  readonly base: bigint;
  readonly rate: number;
}

/** An interval in which a worker's slots count as idle or offline, before what jobs did in them. */
export interface SlotInterval {
  readonly level: Extract<LevelName, 'idle' | 'offline'>;
  /** ms; `end` is null while nothing has closed it. */
  readonly start: number;
  readonly end: number | null;
  /** The end of a connection that nobody saw: it is when the worker was last heard of. */
  readonly estimated: boolean;
}

/** A worker, resolved. */
export interface WorkerView {
  /** Registered and not retired. */
  readonly present: boolean;
  /** Earliest registration and retirement, ms; null without. */
  readonly registeredAt: number | null;
  readonly retiredAt: number | null;
  readonly pool: string;
  readonly type: string;
  readonly host: string;
  readonly hostArchitecture: string;
  readonly architectures: readonly string[];
  /** Jobs it can hold at once, as known now. */
  readonly slots: number;
  readonly enabled: boolean;
  /** One of its lives is in touch. */
  readonly connected: boolean;
  /** What happened to its connections last; null if nothing was ever said of them. */
  readonly connection: ConnectionStanding | null;
  /** Greatest heartbeat of all lives, ms; null without any. */
  readonly lastHeartbeat: number | null;
  /** A job holds it. */
  readonly busy: boolean;
  /** JSON of tenant and subject of each job that holds it. */
  readonly holds: readonly string[];
  /** Times that accrue; null for a worker that was never registered. */
  readonly times: {
    readonly registered: SlotTime;
    readonly connected: SlotTime;
    readonly busy: SlotTime;
  } | null;
}

const NO_LINKS: [] = [];
const NO_TIME: SlotTime = { base: 0n, rate: 0 };

/** Workers: how many are busy, idle and offline, and for how long (docs/semantics.md, "Workers"). */
export const workerKind: EntityKind<WorkerState> = {
  empty: () => ({ lives: [], holds: [], busy: { base: '0', rate: 0 } }),
  merge: mergeWorker,
  contributions: workerContributions,
  links: () => NO_LINKS,
  linked: (state, { name, sum }, present) => {
    if (sum !== undefined) {
      const sign = present ? 1 : -1;
      state.busy.base = String(BigInt(state.busy.base) + BigInt(sign * sum.base));
      state.busy.rate += sign * sum.rate;
      return state;
    }
    const at = state.holds.indexOf(name);
    if (present && at < 0) state.holds.push(name);
    if (!present && at >= 0) state.holds.splice(at, 1);
    return state;
  },
};

function workerContributions(key: EntityKey, state: WorkerState): Contributions {
  const found = noContributions();
  if (state.registered === undefined) return found;
  const connections = connectionsOf(state);
  addSamples('worker', key, viewOf(state, connections), found);
  const slots = slotsOf(state);
  const dims = workerDimensions(key.tenant, key.id.slice('worker/'.length));
  for (const interval of slotIntervals(state, connections))
    pushLevel(found.changes, interval.level, dims, interval, slots);
  return found;
}

/** Resolves a worker's facts. */
export function workerView(state: WorkerState): WorkerView {
  return viewOf(state, connectionsOf(state));
}

function viewOf(state: WorkerState, connections: readonly Connection[]): WorkerView {
  const { registered, retired, busy, holds } = state;
  const lives = workerLives(state);
  return {
    present: registered !== undefined && retired === undefined,
    registeredAt: registered ?? null,
    retiredAt: retired ?? null,
    pool: state.pool?.v ?? '',
    type: state.type?.v ?? '',
    host: state.host?.v ?? '',
    hostArchitecture: state.hostArchitecture?.v ?? '',
    architectures: state.architectures?.v ?? [],
    slots: slotsOf(state),
    enabled: state.enabled?.v ?? true,
    connected: lives.some(({ inTouch }) => inTouch),
    connection: connectionStanding(state, connections),
    lastHeartbeat: lives.reduce<number | null>(
      (last, { heartbeat }) => (heartbeat !== null && (last === null || heartbeat > last) ? heartbeat : last),
      null,
    ),
    busy: holds.length > 0,
    holds,
    times: registered === undefined ? null : timesOf(state, connections, busy),
  };
}

function slotsOf(state: WorkerState): number {
  return state.concurrency?.v ?? 1;
}

function timesOf(
  state: WorkerState,
  connections: readonly Connection[],
  busy: WorkerState['busy'],
): NonNullable<WorkerView['times']> {
  const slots = slotsOf(state);
  let connected = NO_TIME;
  for (const interval of slotIntervals(state, connections))
    if (interval.level === 'idle') connected = plus(connected, interval, slots);
  const { registered, retired } = state as { registered: number; retired?: number };
  // Not the sum of the intervals: what is checked against that sum must not be made of it.
  const whole = { start: registered, end: retired === undefined ? null : Math.max(registered, retired) };
  return {
    registered: plus(NO_TIME, whole, slots),
    connected,
    busy: { base: BigInt(busy.base), rate: busy.rate },
  };
}

function plus(
  { base, rate }: SlotTime,
  { start, end }: { start: number; end: number | null },
  slots: number,
): SlotTime {
  return end === null
    ? { base: base - BigInt(start) * BigInt(slots), rate: rate + slots }
    : { base: base + BigInt(end - start) * BigInt(slots), rate };
}

/** The time a worker is registered, cut where it was connected: longest intervals, none empty. */
export function slotIntervals(
  { registered, retired }: WorkerState,
  connections: readonly Connection[],
): SlotInterval[] {
  const found: SlotInterval[] = [];
  if (registered === undefined) return found;
  const until = retired ?? Infinity;
  const push = (level: SlotInterval['level'], start: number, end: number, estimated: boolean): void => {
    if (start < end) found.push({ level, start, end: end === Infinity ? null : end, estimated });
  };
  let at = registered;
  for (const connection of connections) {
    const start = Math.min(Math.max(connection.start, at), until);
    const ended = connection.end ?? Infinity;
    const end = Math.min(ended, until);
    if (end <= start) continue;
    push('offline', at, start, false);
    push('idle', start, end, connection.estimated && ended <= until);
    at = end;
  }
  push('offline', at, until, false);
  return found;
}
