/** Entries the stream of changes keeps, about; a follower that is further behind loads the totals anew. */
export const MOST_CHANGES = 256;

/** Bytes of fields and values beyond which a batch leaves no entry: the stream must stay small beside the totals. */
export const MOST_CHANGE_BYTES = 131_072;

/** What one batch made of the totals. */
export interface TotalsChange {
  /** Positions before and after, decimal strings. */
  readonly from: string;
  readonly to: string;
  /** Generation of the totals it was applied to. */
  readonly generation: string;
  /** Field, new value, field, new value, …; the value `0` says that the field is gone. Read it once. */
  readonly values: readonly string[];
}

/** What the totals say about themselves; null where they do not. */
export interface TotalsHead {
  readonly position: string | null;
  readonly epoch: string | null;
  readonly generation: string | null;
}
