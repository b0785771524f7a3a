import { canonicalJson } from '@quipu/contracts';
import type { Contributions } from '../../apps/cli/src/verify/naive/contributions.js';

/** Contributions of either implementation. */
export interface AnyContributions {
  readonly amounts: readonly Contributions['amounts'][number][];
  readonly members: readonly Contributions['members'][number][];
  readonly changes: readonly Contributions['changes'][number][];
}

/** Contributions in the one form in which equal sums are equal: sorted texts, a line per row that would exist. */
export function summed({ amounts, members, changes }: AnyContributions): string[] {
  const sums = new Map<string, { d: bigint; n: number }>();
  const add = (key: string, d: number | bigint): void => {
    const sum = sums.get(key) ?? { d: 0n, n: 0 };
    sums.set(key, { d: sum.d + BigInt(d), n: sum.n + 1 });
  };
  for (const { family, tenant, labels, value } of amounts) {
    add(`amount ${family} ${tenant} ${canonicalJson(labels)}`, value);
  }
  for (const { level, dims, t, d } of changes) {
    const { tenant, user, queue, cluster, template, provider, hardware, image, services } = dims;
    const tuple = [tenant, user, queue, cluster, template, provider, hardware, image, services];
    add(`change ${level} ${t} ${canonicalJson(tuple)}`, d);
  }
  const rows = [...sums].flatMap(([key, { d, n }]) => {
    if (key.startsWith('change')) return [`${key} d=${d} n=${n}`];
    return d === 0n ? [] : [`${key} = ${d}`];
  });
  return [...rows, ...members.map((member) => `member ${canonicalJson(member)}`)].sort();
}
