import { type Interval } from '@quipu/metering';
import { compareConnections, type WorkerLife, type WorkerState } from './worker-state.js';

/** An interval in which a life was connected, ms. */
export interface Connection extends Interval {
  /** Nobody saw the end: it is when the life was last heard of. */
  readonly estimated: boolean;
}

/** How one life of a worker stands. */
export interface WorkerLifeStanding {
  /** '' for the nameless one. */
  readonly life: string;
  /** It was heard of after all that would have ended it; a life that only sends heartbeats is in touch too. */
  readonly inTouch: boolean;
  /** When the connection began that its last edge is, ms; null if that is another, or there is none. */
  readonly connectedAt: number | null;
  /** Its greatest heartbeat, ms; null without any. */
  readonly heartbeat: number | null;
  /** Its last connection or heartbeat, ms; null without any. */
  readonly lastSign: number | null;
}

/** What is shown of the last thing that happened to a worker's connections. */
export interface ConnectionStanding {
  readonly kind: 'connected' | 'lost' | 'disconnected';
  /** Since when it is so, ms. */
  readonly since: number;
  readonly estimated: boolean;
}

/** How each life of a worker stands (docs/semantics.md, "Workers"). */
export function workerLives(state: WorkerState): WorkerLifeStanding[] {
  return state.lives.map((life) => {
    const { edges, beat } = life;
    const last = edges.at(-1);
    const connectedAt = last?.k === 'connected' ? last.t : null;
    const greatest =
      beat !== undefined && (last === undefined || compareConnections(last, beat) < 0) ? beat : last;
    const isSign = greatest?.k === 'connected' || greatest?.k === 'heartbeat';
    const loss = lossOf(life, connectedAt);
    const begun = edges.findLast(({ k }) => k === 'connected')?.t ?? null;
    const heartbeat = beat?.t ?? null;
    return {
      life: life.life,
      inTouch: isSign && (loss === undefined || loss < greatest.t),
      connectedAt,
      heartbeat,
      lastSign: begun === null || heartbeat === null ? (begun ?? heartbeat) : Math.max(begun, heartbeat),
    };
  });
}

/** The longest intervals in which at least one life was connected, in order; none is empty, no two touch. */
export function connectionsOf({ lives }: WorkerState): Connection[] {
  const all = lives.length === 1 ? lifeConnections(lives[0]!) : lives.flatMap(lifeConnections);
  all.sort((a, b) => a.start - b.start);
  const found: Connection[] = [];
  for (const one of all) {
    const before = found.at(-1);
    if (before === undefined || (before.end !== null && before.end < one.start)) found.push(one);
    else if (before.end !== null && (one.end === null || one.end > before.end))
      found[found.length - 1] = { ...one, start: before.start };
  }
  return found;
}

/** How the connections stand after all facts; null if nothing was ever said of them. */
export function connectionStanding(
  { lives }: WorkerState,
  connections: readonly Connection[],
): ConnectionStanding | null {
  const open = connections.at(-1);
  if (open?.end === null) return { kind: 'connected', since: open.start, estimated: false };
  let latest: ConnectionStanding | null = null;
  for (const life of lives) {
    const last = life.edges.at(-1);
    if (last === undefined) continue;
    const isLoss = last.k === 'connected';
    const since = isLoss ? (lossOf(life, last.t) ?? last.t) : last.t;
    if (latest !== null && latest.since >= since) continue;
    latest = { kind: last.k === 'disconnected' ? 'disconnected' : 'lost', since, estimated: isLoss };
  }
  return latest;
}

function lifeConnections(life: WorkerLife): Connection[] {
  const { edges, beat } = life;
  const losses = life.losses && new Map(life.losses.map(({ c, x }) => [c, x]));
  const found: Connection[] = [];
  for (let i = 0; i < edges.length; i++) {
    if (edges[i]!.k !== 'connected') continue;
    const { t: start } = edges[i]!;
    const next = edges[i + 1];
    const loss = losses?.get(start);
    const stands =
      loss !== undefined &&
      loss >= start &&
      (next === undefined ? beat === undefined || beat.t <= loss : next.k === 'connected' && loss < next.t);
    const end = stands ? loss : (next?.t ?? null);
    if (end !== start) found.push({ start, end, estimated: stands });
  }
  return found;
}

/** The greatest estimated loss of the connection since `c`, or of none; ms. */
function lossOf({ losses }: WorkerLife, c: number | null): number | undefined {
  return losses?.find((one) => one.c === c)?.x;
}
