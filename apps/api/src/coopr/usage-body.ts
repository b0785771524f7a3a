import { type TimeUnit } from './usage-parameters.js';

/** One bucket: its start (ms) and its exact level·milliseconds. */
export interface UsageBucket {
  readonly time: number;
  readonly ms: bigint;
}

/**
 * Writes the answer's JSON. Numbers are written from bigints: nanoseconds pass 2^53 within four months of one node,
 * and a double would round them. Each value is cut to whole units once, from the exact sum of all nodes.
 */
export function usageBody(
  start: number,
  end: number,
  buckets: readonly UsageBucket[],
  unit: TimeUnit,
): string {
  const data = buckets.map(({ time, ms }) => `{"time":${toSeconds(time)},"value":${toUnit(ms, unit)}}`);
  return `{"start":${toSeconds(start)},"end":${toSeconds(end)},"data":[${data.join(',')}]}`;
}

/** Whole seconds at or before an instant (ms). */
function toSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function toUnit(ms: bigint, { numerator, denominator }: TimeUnit): bigint {
  return (ms * numerator) / denominator;
}
