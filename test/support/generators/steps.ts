import type { EventType } from '@quipu/contracts';
import fc from 'fast-check';
import { age, versionOf, withoutAbsent, type Draft } from './drafts.js';

/** One event of a scripted life: whether it is lost on the way, when it comes after the one before, and by what clock. */
export interface Step {
  readonly type: EventType;
  readonly lost: boolean;
  /** ms */
  readonly after: number;
  /** ms */
  readonly skew: number;
  /** How many versions its data are behind. */
  readonly age: number;
  readonly data: object;
}

/** A step of one of the types. */
export function step(
  types: readonly EventType[],
  data: fc.Arbitrary<object>,
  after: readonly number[] = [0, 1, 1, 2, 5, 50, 51, 100, 1_000, 600_000, 90_000_000],
): fc.Arbitrary<Step> {
  return fc.record({
    type: fc.constantFrom(...types),
    lost: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
    after: fc.constantFrom(...after),
    skew: fc.constantFrom(0, 0, 0, 0, -1, -3, 2, -2_000),
    age,
    data,
  });
}

/** Tells steps one after the other, from `begun` on (ms since the epoch): a draft of each that is not lost. */
export function teller(begun: number, source: string): (step: Step, more: object) => Draft[] {
  let clock = begun;
  return ({ type, lost, after, skew, age: behind, data }, more) => {
    clock += after;
    if (lost) return [];
    const dataversion = versionOf(type, behind);
    return [{ type, time: clock + skew, source, dataversion, data: withoutAbsent({ ...data, ...more }) }];
  };
}
