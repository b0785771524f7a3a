import type { CurrentEvent } from '@quipu/contracts';

/** What orders facts; every event has it. */
export interface FactKey {
  readonly time: number;
  readonly sequence?: string | undefined;
  readonly source: string;
  readonly id: string;
}

/** Orders texts by UTF-16 code units, as `<` does. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of facts: (time, sequence, source, id). */
export function compareFacts(a: FactKey, b: FactKey): number {
  return (
    a.time - b.time ||
    compareTexts(a.sequence ?? '', b.sequence ?? '') ||
    compareTexts(a.source, b.source) ||
    compareTexts(a.id, b.id)
  );
}

/** The order of facts with a rank between sequence and source: (time, sequence, rank, source, id). */
export function compareRanked<T extends FactKey>(a: T, b: T, rank: (fact: T) => number): number {
  return (
    a.time - b.time ||
    compareTexts(a.sequence ?? '', b.sequence ?? '') ||
    rank(a) - rank(b) ||
    compareTexts(a.source, b.source) ||
    compareTexts(a.id, b.id)
  );
}

/** The greatest of `facts`, or undefined when there is none. */
export function greatest<T>(facts: readonly T[], compare: (a: T, b: T) => number): T | undefined {
  let best: T | undefined;
  for (const fact of facts) if (best === undefined || compare(fact, best) > 0) best = fact;
  return best;
}

/** The facts once each (an identity is a source and an id), in fact order. */
export function factSet<T extends FactKey>(facts: readonly T[]): T[] {
  const byIdentity = new Map<string, T>();
  for (const fact of facts) byIdentity.set(JSON.stringify([fact.source, fact.id]), fact);
  return [...byIdentity.values()].sort(compareFacts);
}

/** The value of `field` in the greatest of `facts` (given in fact order) that carries it. */
export function lastCarried(facts: readonly CurrentEvent[], field: string): unknown {
  const carrier = facts.findLast((fact) => carried(fact, field) !== undefined);
  return carrier === undefined ? undefined : carried(carrier, field);
}

/** The value of `field` in a fact (`a.b` is `b` of the object in `a`); undefined when it does not carry it. */
export function carried(fact: CurrentEvent, field: string): unknown {
  return field
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
      fact.data,
    );
}

/** The text in `field` of the greatest of `facts` that carries it; null when none does. */
export function lastText(facts: readonly CurrentEvent[], field: string): string | null {
  const value = lastCarried(facts, field);
  return typeof value === 'string' ? value : null;
}

/** The latest of `times`; undefined when there is none. */
export function latest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b));
}

/** The earliest of `times`; undefined when there is none. */
export function earliest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
}
