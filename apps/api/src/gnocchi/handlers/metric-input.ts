import type { ArchiveRules } from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import { optional, textOf } from '../input/schema.js';

const MAX_NAME = 255;

/** Members of a metric as a client may write one. */
export const METRIC_MEMBERS = {
  archive_policy_name: optional(textOf(MAX_NAME)),
  name: optional(textOf(MAX_NAME)),
  unit: optional(textOf(31)),
};

/** A name that a metric is to have, and the policy if one is named. */
export interface WrittenMetric {
  readonly name?: string | undefined;
  readonly archive_policy_name?: string | undefined;
}

/**
 * The policy of each metric: the one it names, else that of the first rule that matches its name.
 * @throws GnocchiError (400) for a name with a slash, and where no rule matches.
 */
export async function policiesOf(rules: ArchiveRules, metrics: readonly WrittenMetric[]): Promise<string[]> {
  for (const { name } of metrics) {
    if (name?.includes('/')) throw new GnocchiError(400, "'/' is not supported in metric name");
  }
  const unnamed = metrics.filter(({ archive_policy_name: policy }) => policy === undefined);
  const ruled =
    unnamed.length === 0
      ? new Map<string, string>()
      : await rules.policiesFor(unnamed.map(({ name }) => name ?? ''));
  return metrics.map(({ name, archive_policy_name: policy }) => {
    const found = policy ?? ruled.get(name ?? '');
    if (found !== undefined) return found;
    const why = 'No archive policy name specified and no archive policy rule found matching the metric name';
    throw new GnocchiError(400, `${why} ${name ?? 'None'}`);
  });
}
