import { type JobFields, type JobState, jobTimeline } from '@quipu/ledger';

/** The columns of depth. */
export type DepthColumn = 'queued' | 'delayed' | 'blocked' | 'inProgress';

/** What a job is counted as in depth. */
export interface JobStanding {
  readonly column: DepthColumn;
  /** '' where no queue was named. */
  readonly queue: string;
  /** Fields of its highest attempt. */
  readonly fields: JobFields;
  /** The highest attempt. */
  readonly attempt: number;
  /** Since when it waits, or is delayed until (ms); null for the others. */
  readonly since: number | null;
}

/** Where a job stands at `now` (ms), given its facts; null when depth does not count it. */
export function jobStanding(state: JobState, now: number): JobStanding | null {
  const { status, attempts, waitingSince } = jobTimeline(state);
  const top = attempts.at(-1);
  if (top === undefined) return null;
  const at = { queue: top.fields.queue ?? '', fields: top.fields, attempt: top.attempt, since: null };
  switch (status) {
    case 'waiting': {
      const column = waitingSince !== null && waitingSince <= now ? 'queued' : 'delayed';
      return { ...at, column, since: waitingSince };
    }
    case 'blocked':
      return { ...at, column: 'blocked' };
    case 'assigned':
    case 'running':
      return { ...at, column: 'inProgress' };
    default:
      return null;
  }
}
