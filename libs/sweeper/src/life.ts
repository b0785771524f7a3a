/** One life of a worker: what one process of that name said. `''` is the nameless life. */
export interface LifeKey {
  /** Tenant of the worker. */
  readonly tenant: string;
  /** Its subject without `worker/`. */
  readonly worker: string;
  readonly life: string;
}

/** A fact that shows a life: its own time (ms) and its identity. */
export interface Sign {
  readonly timeMs: number;
  readonly source: string;
  readonly id: string;
}

/** Everything kept of a life. Each part is the least or the greatest of its facts, so their order does not matter. */
export interface Life extends LifeKey {
  /** Time of its earliest fact, ms. */
  sinceMs: number;
  /** Time of its latest `worker.connected`. */
  connectedMs: number | null;
  /** Its greatest `worker.connected` or `worker.heartbeat`. */
  sign: Sign | null;
  /** It has sent a heartbeat. */
  beats: boolean;
  /** Time of its latest end that somebody saw: `worker.disconnected`, or a `worker.lost` that is no estimate. */
  endedMs: number | null;
  /** Its estimated loss: which connection ended (null: none was known), and when. */
  lostSinceMs: number | null;
  lostMs: number | null;
  /** When (by the log's clock) a sign of it was last recorded. */
  heardMs: number | null;
  /** The worker is gone for ever. */
  retired: boolean;
}

/** What an estimated loss or a sign of life says about a life. */
export type LifeFact =
  | { readonly kind: 'registered' | 'retired' | 'ended'; readonly timeMs: number }
  | { readonly kind: 'connected' | 'heartbeat'; readonly sign: Sign; readonly recordedMs: number }
  | { readonly kind: 'presumed-lost'; readonly timeMs: number; readonly sinceMs: number | null };

/** A life nothing is known of but that something was said about it at this time (ms). */
export function newLife(key: LifeKey, timeMs: number, retired: boolean): Life {
  return {
    ...{ tenant: key.tenant, worker: key.worker, life: key.life, sinceMs: timeMs },
    ...{ connectedMs: null, sign: null, beats: false, endedMs: null },
    ...{ lostSinceMs: null, lostMs: null, heardMs: null, retired },
  };
}

/** Adds a fact to a life, in place. Adding it again, or in another order, changes nothing. */
export function addFact(life: Life, fact: LifeFact): void {
  life.sinceMs = Math.min(life.sinceMs, 'sign' in fact ? fact.sign.timeMs : fact.timeMs);
  switch (fact.kind) {
    case 'registered':
      return;
    case 'retired':
      life.retired = true;
      return;
    case 'ended':
      life.endedMs = Math.max(life.endedMs ?? -Infinity, fact.timeMs);
      return;
    case 'presumed-lost':
      addLoss(life, fact.timeMs, fact.sinceMs);
      return;
    case 'connected':
    case 'heartbeat': {
      const { sign, recordedMs } = fact;
      life.heardMs = Math.max(life.heardMs ?? -Infinity, recordedMs);
      if (fact.kind === 'heartbeat') life.beats = true;
      else life.connectedMs = Math.max(life.connectedMs ?? -Infinity, sign.timeMs);
      if (life.sign === null || compareSigns(life.sign, sign) < 0) life.sign = sign;
    }
  }
}

/** Of losses of different connections only that of the latest one counts; of one connection the latest. */
function addLoss(life: Life, timeMs: number, sinceMs: number | null): void {
  const known = life.lostMs === null ? -Infinity : (life.lostSinceMs ?? -Infinity);
  const told = sinceMs ?? -Infinity;
  if (life.lostMs !== null && told < known) return;
  life.lostMs = life.lostMs !== null && told === known ? Math.max(life.lostMs, timeMs) : timeMs;
  life.lostSinceMs = sinceMs;
}

/** The connection that a life is in (time of its `worker.connected`, ms), null if its last one is over or unknown. */
export function connectionOf(life: Life): number | null {
  const { connectedMs, endedMs } = life;
  return connectedMs !== null && (endedMs === null || connectedMs > endedMs) ? connectedMs : null;
}

/**
 * Whether the ledger takes a life to be in touch (docs/semantics.md, "Workers"): its last word is a sign of life, and
 * it is not taken for lost since.
 */
export function isInTouch(life: Life): boolean {
  const { sign, endedMs, lostMs, lostSinceMs, retired } = life;
  if (retired || sign === null) return false;
  if (endedMs !== null && endedMs >= sign.timeMs) return false;
  return lostMs === null || lostSinceMs !== connectionOf(life) || lostMs < sign.timeMs;
}

/** Signs by time, then identity: total, so that everybody finds the same one to be the greatest. */
export function compareSigns(a: Sign, b: Sign): number {
  return a.timeMs - b.timeMs || compareTexts(a.source, b.source) || compareTexts(a.id, b.id);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
