import { type RefusedEvent } from './source.js';

/** What became of the events of an import so far. Every event is counted in exactly one of the four. */
export interface Outcome {
  /** Events that the log did not hold before. */
  added: number;
  /** Events that the log held already. */
  duplicates: number;
  /** Events whose identity the log holds with another body; they are dead letters now. */
  conflicts: number;
  /** Events that the log does not take, by reason; they are dead letters now. */
  readonly refused: Map<string, number>;
  /** Tenants whose events were met. */
  readonly tenants: Set<string>;
  /** Events sent again because they had got lost on the way. */
  resent: number;
  /** Events that were sent and not yet seen in the log when the import ended early. */
  onTheWay: number;
}

/** Nothing yet. */
export function noOutcome(): Outcome {
  return {
    added: 0,
    duplicates: 0,
    conflicts: 0,
    refused: new Map(),
    tenants: new Set(),
    resent: 0,
    onTheWay: 0,
  };
}

/** Events accounted for. */
export function settled(outcome: Outcome): number {
  return outcome.added + outcome.duplicates + outcome.conflicts + totalRefused(outcome);
}

/** Events that became dead letters for what they are. */
export function totalRefused(outcome: Outcome): number {
  return [...outcome.refused.values()].reduce((sum, count) => sum + count, 0);
}

/** Counts refused events by reason. */
export function countRefused(outcome: Outcome, refused: readonly Pick<RefusedEvent, 'reason'>[]): void {
  for (const { reason } of refused) outcome.refused.set(reason, (outcome.refused.get(reason) ?? 0) + 1);
}
