import { type Dimensions, type EntityKey, jobDimensions, type JobState, levelIntervals } from '@quipu/ledger';
import type { UsageFilters } from '../usage/dimensions.js';
import { passes } from '../past/entity-condition.js';
import { jobStanding } from '../past/job-standing.js';
import { type Measure, measureKind } from './measures.js';

/** One interval (or, for depth, one standing) of one entity, and what it adds to the number. */
export interface WhyItem {
  readonly key: EntityKey;
  /** The attempt of a job, the life of a node ('' for the nameless one). */
  readonly life: string;
  /** What it adds: level·milliseconds for the `_seconds` measures, a count for the others. Positive. */
  readonly amount: bigint;
  /** The interval, ms; `start` is null for a standing without a beginning, `end` while nothing has closed it. */
  readonly start: number | null;
  readonly end: number | null;
  /** The part of it that counts: clipped to the window and to now. */
  readonly from: number | null;
  readonly to: number | null;
  /** Height of the level: nodes held, or 1. */
  readonly height: number;
  /** The end is an estimate: the first sign of a higher attempt. */
  readonly estimated: boolean;
  /** Facts of its life from this instant on (ms) say nothing about it; null: all do. */
  readonly until: number | null;
  readonly dims: Dimensions;
}

/** A question as the items need it: what is measured, where it is cut, and what passes. Times are ms. */
export interface WhyWindow {
  readonly measure: Measure;
  /** Of the `_seconds` measures; null: from the beginning on. */
  readonly start: number | null;
  /** Of the `_seconds` measures; nothing counts after it. */
  readonly end: number;
  /** Of the counts. */
  readonly at: number;
  readonly filters: UsageFilters;
}

/** What an entity in this state adds to the number: nothing, or a few intervals. */
export function itemsOf(key: EntityKey, state: unknown, window: WhyWindow): WhyItem[] {
  const kind = measureKind(window.measure);
  if (kind.kind === 'depth') return standing(key, state, window, kind.column);
  const found: WhyItem[] = [];
  for (const interval of levelIntervals(key, state, kind.level)) {
    const { start, end, d, life, dims, estimated, until } = interval;
    if (!passes(dims, window.filters)) continue;
    const item = { key, life, start, end, height: d, estimated, until, dims };
    if (kind.kind === 'level') {
      const { at } = window;
      if (start <= at && (end === null || at < end))
        found.push({ ...item, amount: BigInt(d), from: at, to: at });
      continue;
    }
    const from = Math.max(start, window.start ?? start);
    const to = Math.min(end ?? window.end, window.end);
    if (from < to) found.push({ ...item, amount: BigInt(d) * BigInt(to - from), from, to });
  }
  return found;
}

function standing(
  key: EntityKey,
  state: unknown,
  { at, filters }: WhyWindow,
  column: 'queued' | 'delayed' | 'blocked' | 'inProgress',
): WhyItem[] {
  if (key.kind !== 'job') return [];
  const stands = jobStanding(state as JobState, at);
  if (stands?.column !== column) return [];
  const dims = jobDimensions(key.tenant, stands.fields);
  // Depth counts jobs that name no queue under ''.
  const { queue, ...others } = filters;
  if ((queue !== undefined && queue !== stands.queue) || !passes(dims, others)) return [];
  const { since, attempt } = stands;
  const interval = { start: since, end: null, from: since, to: null, until: null };
  const life = String(attempt);
  return [{ key, life, amount: 1n, ...interval, height: 1, estimated: false, dims }];
}
