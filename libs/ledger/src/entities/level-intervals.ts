import { type FieldedInterval } from './facts.js';
import { jobDimensions, runDimensions } from './job/job.js';
import { type JobFields, type JobState } from './job/job-state.js';
import { jobTimeline } from './job/job-timeline.js';
import { workerDimensions } from './levels.js';
import { nodeDimensions, type NodeState, nodeTimeline } from './node/node.js';
import { type Dimensions, type EntityKey, type LevelName } from './types.js';
import { slotIntervals, workerView } from './worker/worker.js';
import { type WorkerState } from './worker/worker-state.js';
import { connectionsOf } from './worker/worker-timeline.js';

/** An interval during which an entity held a level up: what its pairs of level changes come from. */
export interface LevelInterval {
  /** The attempt of a job, the life of a node ('' for the nameless one); '' of a worker, whose lives overlap. */
  readonly life: string;
  /** ms; `end` is null while nothing has closed it. */
  readonly start: number;
  readonly end: number | null;
  /** Height: nodes held, slots, or 1; of a worker's idle slots a job takes one away: −1. */
  readonly d: number;
  readonly dims: Dimensions;
  /** The end is an estimate: the first sign of a higher attempt, or the last sign of a worker. */
  readonly estimated: boolean;
  /** When the next interval of the same life opens, ms: facts from then on say nothing about this one. */
  readonly until: number | null;
}

/**
 * The intervals behind an entity's changes of one level; those without length or height are left out, as they are
 * from the changes.
 */
export function levelIntervals(key: EntityKey, state: unknown, level: LevelName): LevelInterval[] {
  if (key.kind === 'job') return jobIntervals(key.tenant, state as JobState, level);
  if (key.kind === 'node' && level === 'nodes') return nodeIntervals(key, state as NodeState);
  if (key.kind === 'worker') return workerIntervals(key, state as WorkerState, level);
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
    attempt.running.forEach((run, place) => {
      const { start, end } = run;
      const next = attempt.running[place + 1];
      const estimated = attempt.estimated && next === undefined;
      const d = heightOf(run, level, estimated);
      if (d === 0 || start === end) return;
      const until = next?.start ?? null;
      found.push({ life, start, end, d, dims: dimensionsOf(tenant, run, level), estimated, until });
    });
  }
  return found;
}

function heightOf({ fields }: FieldedInterval<JobFields>, level: LevelName, estimated: boolean): number {
  switch (level) {
    case 'running':
      return 1;
    case 'nodes':
      return fields.nodes ?? 0;
    case 'running_estimated':
      return estimated ? 1 : 0;
    case 'nodes_estimated':
      return estimated ? (fields.nodes ?? 0) : 0;
    case 'busy':
      return fields.worker === undefined ? 0 : 1;
    case 'idle':
      return fields.worker === undefined ? 0 : -1;
    default:
      return 0;
  }
}

function dimensionsOf(tenant: string, { fields }: FieldedInterval<JobFields>, level: LevelName): Dimensions {
  const isOfWorker = level === 'busy' || level === 'idle';
  return isOfWorker ? runDimensions(fields) : jobDimensions(tenant, fields);
}

function workerIntervals(key: EntityKey, state: WorkerState, level: LevelName): LevelInterval[] {
  const d = workerView(state).slots;
  if (d === 0) return [];
  const dims = workerDimensions(key.tenant, key.id.slice('worker/'.length));
  return slotIntervals(state, connectionsOf(state))
    .filter((interval) => interval.level === level)
    .map(({ start, end, estimated }) => ({ life: '', start, end, d, dims, estimated, until: null }));
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
