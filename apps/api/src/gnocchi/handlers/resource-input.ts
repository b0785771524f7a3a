import { randomUUID } from 'node:crypto';
import type { ArchiveRules, NamedMetric } from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import { Invalid, mapOf, nullable, objectOf, optional, type Schema, textOf } from '../input/schema.js';
import { readTimestamp, TimestampError } from '../input/timestamps.js';
import { parseUuid } from '../input/uuids.js';
import { METRIC_MEMBERS, policiesOf } from './metric-input.js';
import { resourceIdSchema } from './metrics.js';

const MAX_METRICS = 1_000;

/** Metrics of a resource as a client writes them: one to be made, or the id of one that exists. */
export type WrittenMetrics = readonly (readonly [
  string,
  string | { readonly archive_policy_name?: string | undefined; readonly unit?: string | undefined },
])[];

const NEW_METRIC = objectOf(METRIC_MEMBERS);
const metricOrId: Schema<WrittenMetrics[number][1]> = (value, path) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return NEW_METRIC(value, path);
  const id = typeof value === 'string' ? parseUuid(value) : null;
  if (id === null) throw new Invalid('not a valid value', path);
  return id;
};
const metricName = (text: string): string | null => {
  if (text.includes('/')) throw new GnocchiError(400, "'/' is not supported in metric name");
  return storable(text) ? text : null;
};
const storable = (text: string): boolean =>
  [...text].length <= 255 && !text.includes('\0') && !/[\uD800-\uDFFF]/u.test(text);

/** `{name: definition | id}` */
export const METRICS: Schema<WrittenMetrics> = (value, path) => {
  const metrics = mapOf(metricName, () => metricOrId)(value, path);
  if (metrics.length > MAX_METRICS) throw new Invalid(`length of value must be at most ${MAX_METRICS}`, path);
  return metrics;
};

/** A new resource. @param creator who calls it by its id. */
export function resourceSchema(creator: string, nowMs: number) {
  const instant: Schema<bigint> = (value, path) => {
    try {
      const { seconds, nanos } = readTimestamp(value, nowMs);
      return BigInt(seconds) * 1_000_000n + BigInt(Math.floor(nanos / 1000));
    } catch (error) {
      if (error instanceof TimestampError || error instanceof TypeError) {
        throw new Invalid('not a valid value', path);
      }
      throw error;
    }
  };
  return objectOf({
    id: resourceIdSchema(creator),
    user_id: optional(nullable(textOf(255))),
    project_id: optional(nullable(textOf(255))),
    started_at: optional(instant),
    ended_at: optional(nullable(instant)),
    metrics: optional(METRICS),
  });
}

/** Splits metrics into those to be made, each with its policy, and those that exist. @throws GnocchiError (400) */
export async function splitMetrics(
  rules: ArchiveRules,
  written: WrittenMetrics,
): Promise<{ metrics: NamedMetric[]; adopted: Map<string, string> }> {
  const adopted = new Map<string, string>();
  const made: { name: string; unit: string | null; archive_policy_name: string | undefined }[] = [];
  for (const [name, metric] of written) {
    if (typeof metric === 'string') adopted.set(name, metric);
    else made.push({ name, unit: metric.unit ?? null, archive_policy_name: metric.archive_policy_name });
  }
  const policies = await policiesOf(rules, made);
  const metrics = made.map(({ name, unit }, i) => ({ id: randomUUID(), name, unit, policy: policies[i]! }));
  return { metrics, adopted };
}
