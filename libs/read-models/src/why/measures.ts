import type { LevelName } from '@quipu/ledger';
import type { DepthColumn } from '../past/job-standing.js';

/**
 * The numbers that can be explained. `integral`: a level summed over a window, as usage answers it. `level`: a level
 * at one instant. `depth`: a column of queue depth.
 */
export const MEASURES = {
  node_seconds: { kind: 'integral', level: 'nodes' },
  waiting_seconds: { kind: 'integral', level: 'waiting' },
  running_seconds: { kind: 'integral', level: 'running' },
  nodes: { kind: 'level', level: 'nodes' },
  running: { kind: 'level', level: 'running' },
  queued: { kind: 'depth', column: 'queued' },
  delayed: { kind: 'depth', column: 'delayed' },
  blocked: { kind: 'depth', column: 'blocked' },
  in_progress: { kind: 'depth', column: 'inProgress' },
} as const satisfies Record<string, MeasureKind>;

/** How a measure is made of intervals or standings. */
export type MeasureKind =
  | { readonly kind: 'integral' | 'level'; readonly level: LevelName }
  | { readonly kind: 'depth'; readonly column: DepthColumn };

/** The name of a measure. */
export type Measure = keyof typeof MEASURES;

/** All measures, in the order they are listed in. */
export const MEASURE_NAMES = Object.keys(MEASURES) as Measure[];

/** How a measure is made. */
export function measureKind(measure: Measure): MeasureKind {
  return MEASURES[measure];
}
