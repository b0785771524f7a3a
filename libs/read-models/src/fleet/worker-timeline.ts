import { connectionsOf, slotIntervals, type WorkerState } from '@quipu/ledger';

/** A time in which a registered worker was connected, or away. Times in ms. */
export interface WorkerSpell {
  readonly state: 'connected' | 'offline' | 'lost';
  readonly start: number;
  /** Null while it lasts. */
  readonly end: number | null;
  /** Of what is lost: nobody saw it go, and it begins when the worker was last heard of. */
  readonly estimated: boolean;
}

/** What became of a worker while it was registered, oldest first. */
export function workerTimeline(state: WorkerState): WorkerSpell[] {
  const losses = new Set(
    state.lives.flatMap(({ edges }) => edges.filter(({ k }) => k === 'lost').map(({ t }) => t)),
  );
  let estimated = false;
  return slotIntervals(state, connectionsOf(state)).map((interval) => {
    const { start, end } = interval;
    const lost = estimated || losses.has(start);
    const spell: WorkerSpell =
      interval.level === 'idle'
        ? { state: 'connected', start, end, estimated: false }
        : { state: lost ? 'lost' : 'offline', start, end, estimated };
    estimated = interval.estimated;
    return spell;
  });
}
