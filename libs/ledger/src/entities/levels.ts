import { type Interval } from '@quipu/metering';
import { type Dimensions, type LevelChange, type LevelName } from './types.js';

/** Adds both ends of an interval of height `d`; an interval without length or height changes no level. */
export function pushLevel(
  changes: LevelChange[],
  level: LevelName,
  dims: Dimensions,
  interval: Interval,
  d: number,
): void {
  if (d === 0 || interval.start === interval.end) return;
  changes.push({ level, dims, t: interval.start, d });
  if (interval.end !== null) changes.push({ level, dims, t: interval.end, d: -d });
}

/** What the slots of a worker are accounted under; `worker` is its subject without `worker/`. */
export function workerDimensions(tenant: string, worker: string): Dimensions {
  return {
    tenant,
    user: null,
    queue: null,
    cluster: worker,
    template: null,
    provider: null,
    hardware: null,
    image: null,
    services: [],
  };
}
