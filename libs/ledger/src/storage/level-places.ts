/**
 * Levels that stand side by side in one row of `level_buckets`. Those of a group move together: a job that begins to run
 * ends its wait and takes its nodes at the same instant, so that one row takes the place of three.
 */
export const PLACES = 3;

/** Groups of levels that a row can belong to; codes of levels run from 1 to `GROUPS · PLACES`. */
export const GROUPS = 3;

/** The group (0 to `GROUPS − 1`) of a level by its code; stored as one more. */
export function groupOfLevel(code: number): number {
  return Math.floor((code - 1) / PLACES);
}

/** The place (0 to `PLACES − 1`) of a level in the rows of its group, by its code; its columns are numbered from one more. */
export function placeOfLevel(code: number): number {
  return (code - 1) % PLACES;
}

/** The code of the level at a place of a group, both from 0. */
export function levelAt(group: number, place: number): number {
  return group * PLACES + place + 1;
}
