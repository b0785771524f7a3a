import { jobDimensions } from './job/job.js';
import { type JobState } from './job/job-state.js';
import { jobTimeline } from './job/job-timeline.js';
import { nodeDimensions, type NodeState, nodeTimeline } from './node/node.js';
import { type Dimensions, type EntityKey, type LevelName } from './types.js';

/** An interval during which an entity held a level up: what its pairs of level changes come from. */
export interface LevelInterval {
  /** The attempt of a job, the life of a node ('' for the nameless one). */
  readonly life: string;
  /** ms; `end` is null while nothing has closed it. */
  readonly start: number;
  readonly end: number | null;
  /** Height: nodes held, or 1. */
  readonly d: number;
  readonly dims: Dimensions;
  /** The end is an estimate: the first sign of a higher attempt. */
  readonly estimated: boolean;
  /** When the next interval of the same life opens, ms: facts from then on say nothing about this one. */
  readonly until: number | null;
}

/**
 * The intervals behind an entity's changes of one level; those without length or height are left out, as they are
 * from the changes. Workers hold no level.
 */
export function levelIntervals(key: EntityKey, state: unknown, level: LevelName): LevelInterval[] {
  if (key.kind === 'job') return jobIntervals(key.tenant, state as JobState, level);
  if (key.kind === 'node' && level === 'nodes') return nodeIntervals(key, state as NodeState);
  return [];
}

function jobIntervals(tenant: string, state: JobState, level: LevelName): LevelInterval[] {
  const found: LevelInterval[] = [];
  for (const attempt of jobTimeline(state).attempts) {
    const life = String(attempt.attempt);
    if (level === 'waiting') {
      const dims = jobDimensions(tenant, attempt.fields);
      for (const { start, end } of attempt.waiting)
        if (start !== end) found.push({ life, start, end, d: 1, dims, estimated: false, until: null });
      continue;
    }
    attempt.running.forEach(({ start, end, fields }, place) => {
      const d = level === 'running' ? 1 : (fields.nodes ?? 0);
      if (d === 0 || start === end) return;
      const next = attempt.running[place + 1];
      const estimated = attempt.estimated && next === undefined;
      const until = next?.start ?? null;
      found.push({ life, start, end, d, dims: jobDimensions(tenant, fields), estimated, until });
    });
  }
  return found;
}

function nodeIntervals(key: EntityKey, state: NodeState): LevelInterval[] {
  return nodeTimeline(key, state).flatMap(({ life, intervals }) =>
    intervals.flatMap(({ start, end, fields }, place) => {
      if (start === end) return [];
      const dims = nodeDimensions(key.tenant, fields);
      const until = intervals[place + 1]?.start ?? null;
      return [{ life, start, end, d: 1, dims, estimated: false, until }];
    }),
  );
}
