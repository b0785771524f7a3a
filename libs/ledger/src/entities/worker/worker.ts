import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { compareRanked, type Fact, factOf } from '../facts.js';
import { tell, type Told } from '../told.js';
import { type EntityKind, type LinkSum, noContributions } from '../types.js';

/** A sign of a worker's connection. */
interface ConnectionFact extends Fact<object> {
  readonly k: keyof typeof CONNECTION_RANK;
}

/**
 * Everything kept of a worker. For gauges the greatest fact per question is enough; for the time it was connected the
 * facts that began and ended connections are kept, heartbeats not, so that the state does not grow with them. `holds`
 * are the jobs that hold it now, told by the jobs themselves, `busy` the time they ran, added up.
 */
export interface WorkerState {
  /** Time (ms) of the earliest `worker.registered` and `worker.retired`. */
  registered?: number;
  retired?: number;
  pool?: Told<string>;
  type?: Told<string>;
  hostArchitecture?: Told<string>;
  architectures?: Told<readonly string[]>;
  enabled?: Told<boolean>;
  connection?: ConnectionFact;
  /** Connections, losses and disconnections, in ranked order. */
  readonly edges: ConnectionFact[];
  readonly holds: string[];
  /** `base` as a decimal: thousands of open runs exceed what a number holds exactly. */
  readonly busy: { base: string; rate: number };
}

/** A worker, resolved. */
export interface WorkerView {
  /** Registered and not retired. */
  readonly present: boolean;
  readonly pool: string;
  readonly type: string;
  readonly hostArchitecture: string;
  readonly architectures: readonly string[];
  readonly enabled: boolean;
  readonly connected: boolean;
  /** A job holds it. */
  readonly busy: boolean;
  /** Times that accrue; null for a worker that was never registered. */
  readonly times: {
    readonly registered: LinkSum;
    readonly connected: LinkSum;
    readonly busy: { readonly base: bigint; readonly rate: number };
  } | null;
}

const CONNECTION_RANK = {
  'worker.connected': 0,
  'worker.heartbeat': 1,
  'worker.lost': 2,
  'worker.disconnected': 3,
} as const;

const NO_LINKS: [] = [];

/** Workers: how many are busy, idle and offline, and for how long (docs/semantics.md, "Workers"). */
export const workerKind: EntityKind<WorkerState> = {
  empty: () => ({ edges: [], holds: [], busy: { base: '0', rate: 0 } }),
  merge: mergeWorker,
  contributions: (key, state) => {
    const found = noContributions();
    if (state.registered !== undefined) addSamples('worker', key, workerView(state), found);
    return found;
  },
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

function mergeWorker(state: WorkerState, event: CurrentEvent): WorkerState {
  if (event.type === 'worker.registered') state.registered = earlier(state.registered, event.time);
  if (event.type === 'worker.retired') state.retired = earlier(state.retired, event.time);
  const fact = factOf(event);
  const data: Readonly<Record<string, unknown>> = event.data;
  const told = state as unknown as Record<string, Told<unknown> | undefined>;
  for (const name of ['pool', 'type', 'hostArchitecture', 'architectures', 'enabled']) {
    if (data[name] !== undefined && data[name] !== null) told[name] = tell(told[name], fact, data[name]);
  }
  if (event.type in CONNECTION_RANK)
    mergeConnection(state, { ...fact, k: event.type as ConnectionFact['k'] });
  return state;
}

function earlier(known: number | undefined, t: number): number {
  return known === undefined ? t : Math.min(known, t);
}

function mergeConnection(state: WorkerState, fact: ConnectionFact): void {
  if (state.connection === undefined || compare(state.connection, fact) < 0) state.connection = fact;
  if (fact.k === 'worker.heartbeat') return;
  const { edges } = state;
  let at = edges.length;
  while (at > 0 && compare(edges[at - 1]!, fact) > 0) at--;
  edges.splice(at, 0, fact);
}

function compare(a: ConnectionFact, b: ConnectionFact): number {
  return compareRanked(a, CONNECTION_RANK[a.k], b, CONNECTION_RANK[b.k]);
}

function workerView(state: WorkerState): WorkerView {
  const connection = state.connection?.k;
  const { registered, retired, busy } = state;
  return {
    present: registered !== undefined && retired === undefined,
    pool: state.pool?.v ?? '',
    type: state.type?.v ?? '',
    hostArchitecture: state.hostArchitecture?.v ?? '',
    architectures: state.architectures?.v ?? [],
    enabled: state.enabled?.v ?? true,
    connected: connection === 'worker.connected' || connection === 'worker.heartbeat',
    busy: state.holds.length > 0,
    times:
      registered === undefined
        ? null
        : {
            registered: span(registered, retired ?? null),
            connected: connectedTime(state.edges, registered, retired ?? Infinity),
            busy: { base: BigInt(busy.base), rate: busy.rate },
          },
  };
}

/** The time from `start` to `end`, null for one that goes on; nothing if it ends before it starts. */
function span(start: number, end: number | null): LinkSum {
  if (end === null) return { base: -start, rate: 1 };
  return { base: Math.max(0, end - start), rate: 0 };
}

/** How long the greatest edge was a connection, between `from` and `until`. */
function connectedTime(edges: readonly ConnectionFact[], from: number, until: number): LinkSum {
  let base = 0;
  for (let i = 0; i < edges.length; i++) {
    if (edges[i]!.k !== 'worker.connected') continue;
    const start = Math.max(edges[i]!.t, from);
    const end = Math.min(edges[i + 1]?.t ?? Infinity, until);
    if (end === Infinity) return { base: base - start, rate: 1 };
    base += Math.max(0, end - start);
  }
  return { base, rate: 0 };
}
