import type { LevelChange, LevelName } from '../../apps/cli/src/verify/naive/contributions.js';

/** The dimensions that usage is grouped and filtered by in these properties. */
export const GROUPS = ['tenant', 'user', 'queue', 'cluster', 'template', 'provider'] as const;
export type Group = (typeof GROUPS)[number];

/** Which changes count. */
export interface ChangeFilter {
  readonly level: LevelName;
  readonly filters: Readonly<Partial<Record<Group, string>>>;
  readonly service: string | undefined;
}

/** The changes that a filter lets through. */
export function matching(
  changes: readonly LevelChange[],
  { level, filters, service }: ChangeFilter,
): LevelChange[] {
  return changes.filter(
    (change) =>
      change.level === level &&
      GROUPS.every((name) => filters[name] === undefined || change.dims[name] === filters[name]) &&
      (service === undefined || change.dims.services.includes(service)),
  );
}

/** Usage from `start` to `end`, as docs/semantics.md defines it: change by change. */
export function usageBetween(changes: readonly LevelChange[], start: number, end: number): bigint {
  const upTo = (t: number): bigint =>
    changes
      .filter((change) => change.t <= t)
      .reduce((sum, change) => sum + BigInt(change.d) * BigInt(t - change.t), 0n);
  return upTo(end) - upTo(start);
}

/** The level right after all changes at or before `t`. */
export function levelAt(changes: readonly LevelChange[], t: number): bigint {
  return changes.filter((change) => change.t <= t).reduce((sum, { d }) => sum + BigInt(d), 0n);
}

/** The changes by the values of some dimensions, keyed by those values as JSON. */
export function grouped(
  changes: readonly LevelChange[],
  by: readonly Group[],
): Map<string, readonly LevelChange[]> {
  const groups = new Map<string, LevelChange[]>();
  for (const change of changes) {
    const key = JSON.stringify(by.map((name) => change.dims[name]));
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return groups;
}
