import { compareFacts, type Fact } from './facts.js';

/** The value of one field, and the place in the order of the fact that carries it. */
export interface Told<V> extends Fact<object> {
  readonly v: V;
}

/** The greater of what is known and what `fact` says; an absent value says nothing. */
export function tell<V>(
  known: Told<V> | undefined,
  fact: Fact<object>,
  value: V | undefined | null,
): Told<V> | undefined {
  if (value === undefined || value === null) return known;
  return known === undefined || compareFacts(known, fact) < 0 ? { ...fact, v: value } : known;
}
