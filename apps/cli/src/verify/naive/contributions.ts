/** The levels that usage is metered by. */
export type LevelName =
  'nodes' | 'waiting' | 'running' | 'busy' | 'idle' | 'offline' | 'nodes_estimated' | 'running_estimated';

/** Whom and what a level change is charged to; null where nobody said. */
export interface Dimensions {
  readonly tenant: string;
  readonly user: string | null;
  readonly queue: string | null;
  readonly cluster: string | null;
  readonly template: string | null;
  readonly provider: string | null;
  readonly hardware: string | null;
  readonly image: string | null;
  /** Sorted by UTF-16 code units, each once. */
  readonly services: readonly string[];
}

/** `value` of the series `family{labels}` of a tenant. */
export interface Amount {
  readonly family: string;
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | bigint;
}

/** A member of a scored set; the score is in ms since the epoch. */
export interface Member {
  readonly family: string;
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly member: string;
  readonly score: number;
}

/** The level changes by `d` at `t` (ms since the epoch). */
export interface LevelChange {
  readonly level: LevelName;
  readonly dims: Dimensions;
  readonly t: number;
  readonly d: number;
}

/** What one entity adds to the summaries. */
export interface Contributions {
  readonly amounts: Amount[];
  readonly members: Member[];
  readonly changes: LevelChange[];
}

/** The dimensions of what a worker's slots do; `subject` is `worker/<id>`. */
export function slotDimensions(tenant: string, subject: string): Dimensions {
  const cluster = subject.slice('worker/'.length);
  const unknown = { user: null, queue: null, template: null, provider: null, hardware: null, image: null };
  return { tenant, cluster, ...unknown, services: [] };
}

/** Nothing yet. */
export function noContributions(): Contributions {
  return { amounts: [], members: [], changes: [] };
}

/** Adds `+d` at the start and `−d` at the end of an interval; one of length zero adds nothing. */
export function addInterval(
  to: Contributions,
  level: LevelName,
  dims: Dimensions,
  interval: { readonly start: number; readonly end: number | null },
  d: number,
): void {
  if (interval.start === interval.end) return;
  to.changes.push({ level, dims, t: interval.start, d });
  if (interval.end !== null) to.changes.push({ level, dims, t: interval.end, d: -d });
}
