import { type CurrentEvent } from '@quipu/contracts';
import { type Interval, walkEdges } from '@quipu/metering';

/** What every fact knows: where it stands in the order of facts, and the fields it carries. */
export interface Fact<F extends object> {
  /** When it happened, ms. */
  readonly t: number;
  /** The event's sequence; absent is the empty string. */
  readonly q?: string;
  /** Source and id of the event, unique within the tenant. */
  readonly s: string;
  readonly i: string;
  /** Fields the event carries; absent when it carries none. */
  readonly f?: F;
}

/** An edge fact: `e` is +1 for a start, −1 for an end, absent for neither. */
export interface EdgeFact<F extends object> extends Fact<F> {
  readonly e?: 1 | -1;
}

/** An interval and the fields it is accounted under. */
export interface FieldedInterval<F extends object> extends Interval {
  readonly fields: F;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of facts, `(time, sequence, source, id)`: total within a tenant, and independent of arrival. */
export function compareFacts(a: Fact<object>, b: Fact<object>): number {
  return compareRanked(a, 0, b, 0);
}

/** The order of status facts, `(time, sequence, rank, source, id)`. */
export function compareRanked(a: Fact<object>, rankA: number, b: Fact<object>, rankB: number): number {
  return (
    a.t - b.t ||
    compareText(a.q ?? '', b.q ?? '') ||
    rankA - rankB ||
    compareText(a.s, b.s) ||
    compareText(a.i, b.i)
  );
}

/** The part of an event that places its fact in the order. */
export function factOf(event: CurrentEvent): { t: number; q?: string; s: string; i: string } {
  const base = { t: event.time, s: event.source, i: event.id };
  return event.sequence === undefined || event.sequence === '' ? base : { ...base, q: event.sequence };
}

/** Copies the named fields that are present; undefined when none is. An absent field says nothing. */
export function pickFields<F extends object>(
  data: Readonly<Record<string, unknown>>,
  names: readonly (keyof F & string)[],
): F | undefined {
  let picked: Record<string, unknown> | undefined;
  for (const name of names) {
    const value = data[name];
    if (value !== undefined && value !== null) (picked ??= {})[name] = value;
  }
  return picked as F | undefined;
}

/** Inserts a fact at its place; the greater facts are usually the later ones, so it searches from the end. */
export function insertFact<T extends Fact<object>>(facts: T[], fact: T): void {
  let at = facts.length;
  while (at > 0 && compareFacts(facts[at - 1]!, fact) > 0) at--;
  if (at === facts.length) facts.push(fact);
  else facts.splice(at, 0, fact);
}

/**
 * The intervals of one life with the fields of each, `facts` in fact order. `fallback` gives what a life lacks.
 * `whole` is what all facts together say, where the caller knows it.
 * Fields of an interval come from the facts before the next interval's opening (docs/semantics.md, "Fields of an
 * interval"): a node that is given to somebody else must not rewrite the bill of whoever held it before.
 */
export function fieldedIntervals<F extends object>(
  facts: readonly EdgeFact<F>[],
  fallback: F,
  whole: F = fieldsOf(facts, fallback),
): { intervals: FieldedInterval<F>[]; held: number } {
  const walk = usualWalk(facts) ?? walkEdges(edgesOf(facts));
  if (walk.intervals.length === 1) {
    const { start, end } = walk.intervals[0]!;
    return { held: walk.held, intervals: [{ start, end, fields: whole }] };
  }
  // One pass for all of them: what is taken and given back under one name for years has thousands.
  const told = { ...fallback };
  let next = 0;
  const intervals = walk.intervals.map((interval, index) => {
    const opening = walk.intervals[index + 1]?.start ?? Infinity;
    for (; next < facts.length && facts[next]!.t < opening; next++) Object.assign(told, facts[next]!.f);
    const fields = { ...told };
    for (let at = next; at < facts.length && facts[at]!.t === opening; at++) {
      // Ends at exactly that instant are of this interval, starts of the next.
      if (facts[at]!.e === -1) Object.assign(fields, facts[at]!.f);
    }
    return { ...interval, fields };
  });
  return { intervals, held: walk.held };
}

/** The walk over no edge, one start, or one start and a later end: most lives. Null for all others. */
function usualWalk(facts: readonly EdgeFact<object>[]): { intervals: Interval[]; held: number } | null {
  let start: number | null = null;
  let end: number | null = null;
  for (const { t, e } of facts) {
    if (e === undefined) continue;
    if (e === 1 && start === null && end === null) start = t;
    else if (e === -1 && start !== null && end === null && t > start) end = t;
    else return null;
  }
  return { intervals: start === null ? [] : [{ start, end }], held: 0 };
}

function edgesOf(facts: readonly EdgeFact<object>[]): { t: number; kind: 'start' | 'end' }[] {
  const edges: { t: number; kind: 'start' | 'end' }[] = [];
  for (const { t, e } of facts) if (e !== undefined) edges.push({ t, kind: e === 1 ? 'start' : 'end' });
  return edges;
}

/** Per field what the greatest fact says. */
function fieldsOf<F extends object>(facts: readonly EdgeFact<F>[], fallback: F): F {
  const fields = { ...fallback };
  for (const { f } of facts) if (f !== undefined) Object.assign(fields, f);
  return fields;
}
