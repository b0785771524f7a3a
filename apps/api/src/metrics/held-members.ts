import type { CountedMembers, Totals } from '@quipu/read-models';

/** Which sets are to be counted, and at or above which scores (ms). */
export type MemberQuestion = readonly [family: string, bounds: readonly number[]];

/**
 * The same totals, with members that are counted at once: whoever counts them first, before anything is made of the
 * amounts, seldom has to begin again because the totals moved on.
 */
export async function holdMembers(totals: Totals, questions: readonly MemberQuestion[]): Promise<Totals> {
  const held = new Map<string, CountedMembers[]>();
  for (const [family, bounds] of questions) {
    held.set(keyOf(family, bounds), await totals.members(family, bounds));
  }
  return {
    ...totals,
    members: (family, bounds) => {
      const known = held.get(keyOf(family, bounds));
      return known === undefined ? totals.members(family, bounds) : Promise.resolve(known);
    },
  };
}

function keyOf(family: string, bounds: readonly number[]): string {
  return `${family} ${bounds.join(' ')}`;
}
