import { type CurrentEvent } from '@quipu/contracts';
import { factOf } from '../facts.js';
import { tell, type Told } from '../told.js';

/**
 * A fact that begins or ends a connection, or a heartbeat: no more than its place among those of its life takes. Two
 * alike are one, since facts of one kind do not differ in what they say.
 */
export interface ConnectionFact {
  /** ms. */
  readonly t: number;
  /** The event's sequence; absent is the empty string. */
  readonly q?: string;
  readonly k: keyof typeof CONNECTION_RANK;
}

/** What is kept of the connections of one life: of heartbeats only the greatest, so that no state grows with them. */
export interface WorkerLife {
  /** '' for the nameless one. */
  readonly life: string;
  /** Connections, losses that somebody saw, and disconnections, in ranked order. */
  readonly edges: ConnectionFact[];
  /** The greatest heartbeat. */
  beat?: ConnectionFact;
  /** Estimated losses: the greatest time of those that name the connection since `c`, null for none, both ms. */
  losses?: { readonly c: number | null; x: number }[];
}

/**
 * Everything kept of a worker. `holds` are the jobs that hold it now, told by the jobs themselves, `busy` the time they
 * ran, added up.
 */
export interface WorkerState {
  /** Time (ms) of the earliest `worker.registered` and `worker.retired`. */
  registered?: number;
  retired?: number;
  pool?: Told<string>;
  type?: Told<string>;
  host?: Told<string>;
  hostArchitecture?: Told<string>;
  architectures?: Told<readonly string[]>;
  concurrency?: Told<number>;
  enabled?: Told<boolean>;
  readonly lives: WorkerLife[];
  /** JSON of tenant and subject of each job. */
  readonly holds: string[];
  /** `base` as a decimal: thousands of open runs exceed what a number holds exactly. */
  readonly busy: { base: string; rate: number };
}

const CONNECTION_RANK = { connected: 0, heartbeat: 1, lost: 2, disconnected: 3 } as const;

const FIELDS = ['pool', 'type', 'host', 'hostArchitecture', 'architectures', 'concurrency', 'enabled'];

/** Adds the fact an event is to `state`, in place. */
export function mergeWorker(state: WorkerState, event: CurrentEvent): WorkerState {
  if (event.type === 'worker.registered') state.registered = earlier(state.registered, event.time);
  if (event.type === 'worker.retired') state.retired = earlier(state.retired, event.time);
  const fact = factOf(event);
  const data: Readonly<Record<string, unknown>> = event.data;
  const told = state as unknown as Record<string, Told<unknown> | undefined>;
  for (const name of FIELDS) {
    if (data[name] !== undefined && data[name] !== null) told[name] = tell(told[name], fact, data[name]);
  }
  const k = event.type.slice('worker.'.length);
  if (!Object.hasOwn(CONNECTION_RANK, k)) return state;
  const life = lifeOf(state, typeof data['life'] === 'string' ? data['life'] : '');
  if (event.type === 'worker.lost' && event.data.estimated === true) {
    const since = event.data.since === undefined ? NaN : Date.parse(event.data.since);
    mergeLoss(life, Number.isNaN(since) ? null : since, event.time);
  } else mergeConnection(life, fact, k as ConnectionFact['k']);
  return state;
}

/** The order of connection facts, `(time, sequence, rank)`; 0 for two that are alike. */
export function compareConnections(a: ConnectionFact, b: ConnectionFact): number {
  const [one, other] = [a.q ?? '', b.q ?? ''];
  return a.t - b.t || (one < other ? -1 : one > other ? 1 : CONNECTION_RANK[a.k] - CONNECTION_RANK[b.k]);
}

function earlier(known: number | undefined, t: number): number {
  return known === undefined ? t : Math.min(known, t);
}

function lifeOf(state: WorkerState, name: string): WorkerLife {
  // From the end: it is nearly always the latest one that speaks, of the thousands a name may have had.
  let life = state.lives.findLast((one) => one.life === name);
  if (life === undefined) state.lives.push((life = { life: name, edges: [] }));
  return life;
}

function mergeConnection(
  life: WorkerLife,
  { t, q }: Pick<ConnectionFact, 't' | 'q'>,
  k: ConnectionFact['k'],
): void {
  const fact: ConnectionFact = q === undefined ? { t, k } : { t, q, k };
  if (k === 'heartbeat') {
    if (life.beat === undefined || compareConnections(life.beat, fact) < 0) life.beat = fact;
    return;
  }
  const { edges } = life;
  let at = edges.length;
  while (at > 0 && compareConnections(edges[at - 1]!, fact) > 0) at--;
  if (at === 0 || compareConnections(edges[at - 1]!, fact) < 0) edges.splice(at, 0, fact);
}

function mergeLoss(life: WorkerLife, c: number | null, x: number): void {
  life.losses ??= [];
  const known = life.losses.findLast((one) => one.c === c);
  if (known === undefined) life.losses.push({ c, x });
  else known.x = Math.max(known.x, x);
}
