import type { LogEvent } from '@quipu/contracts';
import { classifyPgError, type IoSteps } from '@quipu/platform';
import type { Pool } from 'pg';
import { appendEvents } from './append-events.js';
import { type NewDeadLetter, refusedEvent } from './dead-letter.js';

/**
 * What became of an event: `duplicate` was stored before with this body, `conflict` with another one,
 * `refused` could not be stored at all; the last two are dead letters.
 */
export type AppendOutcome = 'appended' | 'duplicate' | 'conflict' | 'refused';

/** What became of a batch. */
export interface AppendResult {
  appended: number;
  duplicates: number;
  conflicts: number;
  refused: number;
  /** Position of the last new event, null if none is new. */
  lastPosition: bigint | null;
  /** Per event, in the order given. */
  outcomes: AppendOutcome[];
}

/** The result of a batch of nothing. */
export function emptyResult(): AppendResult {
  return { appended: 0, duplicates: 0, conflicts: 0, refused: 0, lastPosition: null, outcomes: [] };
}

/**
 * Class 22 and 23 say that one row is at fault, except where they say that the log itself is: a position
 * or identity that exists although the function looked, or no partition for a position. Setting those
 * events aside would empty the queue into the dead letters.
 */
function isFaultOfAnEvent(error: unknown): boolean {
  if (classifyPgError(error) !== 'data') return false;
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code !== '23505' && !(code === '23514' && constraint === undefined);
}

/**
 * Appends a batch. When the database refuses it for its data, the batch is cut in two until the event at
 * fault stands alone; that one becomes a dead letter, all others are appended, in their order.
 */
export async function appendBatch(
  pool: Pool,
  io: IoSteps,
  events: readonly LogEvent[],
  letters: readonly NewDeadLetter[],
): Promise<AppendResult> {
  try {
    const row = await appendEvents(pool, io, events, letters);
    const outcomes = new Array<AppendOutcome>(events.length).fill('appended');
    for (const ordinal of row.duplicates ?? []) outcomes[ordinal - 1] = 'duplicate';
    for (const ordinal of row.conflicts ?? []) outcomes[ordinal - 1] = 'conflict';
    return {
      appended: row.appended,
      duplicates: row.duplicates?.length ?? 0,
      conflicts: row.conflicts?.length ?? 0,
      refused: 0,
      lastPosition: row.last_position === null ? null : BigInt(row.last_position),
      outcomes,
    };
  } catch (error) {
    if (!isFaultOfAnEvent(error) || events.length === 0) throw error;
    const [only] = events;
    if (events.length === 1 && only !== undefined) {
      await appendEvents(pool, io, [], [...letters, refusedEvent(only, error)]);
      return { ...emptyResult(), refused: 1, outcomes: ['refused'] };
    }
    const middle = events.length >> 1;
    const left = await appendBatch(pool, io, events.slice(0, middle), letters);
    const right = await appendBatch(pool, io, events.slice(middle), []);
    return merge(left, right);
  }
}

function merge(left: AppendResult, right: AppendResult): AppendResult {
  return {
    appended: left.appended + right.appended,
    duplicates: left.duplicates + right.duplicates,
    conflicts: left.conflicts + right.conflicts,
    refused: left.refused + right.refused,
    lastPosition: right.lastPosition ?? left.lastPosition,
    outcomes: [...left.outcomes, ...right.outcomes],
  };
}
