/** What a difference is about. */
export type DifferenceKind =
  | 'amount'
  | 'member'
  | 'usage-key'
  | 'change'
  | 'level-sum'
  | 'state'
  | 'redis-state'
  | 'redis-total'
  | 'redis-member'
  | 'conservation'
  | 'digest'
  | 'identity'
  | 'archive';

/** One thing that is not as the log says it should be. */
export interface Difference {
  readonly kind: DifferenceKind;
  /** Which row, as a person names it. */
  readonly key: string;
  /** What the log comes to; null: the row should not exist. */
  readonly expected: string | null;
  /** What was found; null: the row does not exist. */
  readonly found: string | null;
  /** A few entities to look at first, as `tenant subject`; empty when nothing points at one. */
  readonly entities: readonly string[];
}

/** How far `verify` is, in events (chain, fold) or rows (compare); `total` is an estimate in the same unit. */
export interface VerifyProgress {
  readonly phase: 'archives' | 'snapshot' | 'chain' | 'fold' | 'compare';
  readonly done: number;
  readonly total: number;
}

/** What slots of workers were for, in slot-milliseconds; in decimal unless `T` says otherwise. */
export interface SlotTime<T = string> {
  readonly busyMs: T;
  /** Below zero where jobs ran that no connection was known for. */
  readonly idleMs: T;
  readonly offlineMs: T;
  readonly registeredMs: T;
}

/** Of workers: busy + idle + offline = registered, by the stored sums and the stored amount. */
export interface Conservation {
  /** How many sums were compared: per tenant and for the platform, per kind of bucket and instant. */
  readonly compared: number;
  readonly tenants: number;
  /** The instants, the time of the snapshot first. */
  readonly at: readonly string[];
  /** Everybody's, at the time of the snapshot. */
  readonly platform: SlotTime;
}

/** What `verify` found. */
export interface VerifyReport {
  /** No difference was found. */
  readonly ok: boolean;
  /** The checkpoint at which everything was compared, in decimal. */
  readonly position: string;
  /** The end of the log up to which digests and identities were checked, in decimal. */
  readonly head: string;
  readonly epoch: string | null;
  /** Events folded, up to the checkpoint. */
  readonly events: number;
  /** Events left out of the fold, because an operator skipped them. */
  readonly skipped: number;
  readonly entities: {
    readonly jobs: number;
    readonly nodes: number;
    readonly workers: number;
    readonly others: number;
  };
  /** How many rows of each kind were compared (found or expected). */
  readonly compared: Readonly<Record<DifferenceKind, number>>;
  readonly conservation: Conservation;
  readonly redis: { readonly compared: boolean; readonly reason?: string };
  /** How many differences there are, whatever the number of examples. */
  readonly differences: number;
  /** The first differences of each kind. */
  readonly examples: readonly Difference[];
  /** When the snapshot was taken and how long everything took, in ms. */
  readonly takenMs: number;
  readonly elapsedMs: number;
  /** What the copy holds that was written and checked; null when none was asked for. */
  readonly copy: { readonly batches: number; readonly events: number; readonly head: string } | null;
}
