import { type AmountDelta } from '../storage/amount-batch.js';
import { type MemberDelta } from '../storage/member-batch.js';

/** What one committed batch does to the totals. */
export interface TotalsDelta {
  readonly amounts: readonly AmountDelta[];
  readonly members: readonly MemberDelta[];
}
