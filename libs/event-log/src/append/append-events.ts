import { canonicalEvent, type LogEvent } from '@quipu/contracts';
import type { IoSteps } from '@quipu/platform';
import { hash } from 'node:crypto';
import type { Pool } from 'pg';
import { identitySum } from '../identity.js';
import { byteaArray, hashArray, int8Array, textArray } from './binary-array.js';
import { type NewDeadLetter, storableText } from './dead-letter.js';

/** What the database did with one batch; ordinals count from 1. */
export interface AppendedRow {
  appended: number;
  /** Position of the last new event. */
  last_position: string | null;
  /** Ordinals of events that were stored before with the same body. */
  duplicates: number[] | null;
  /** Ordinals of events whose identity is stored with another body; each is a dead letter now. */
  conflicts: number[] | null;
}

/** Duplicates leave nothing in the log, so they are counted where they are met, in the transaction of the append. */
const STATEMENT = {
  name: 'append_events',
  text: `SELECT a.*, CASE WHEN a.duplicates IS NOT NULL
                     THEN count_ingest('duplicate', '', cardinality(a.duplicates)) END AS counted
           FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) a`,
};

/**
 * The data within the canonical event, which begins `{"data":...,"dataversion":`. After the data there are
 * only scalars, and a quote inside a string is escaped, so the last `,"dataversion":` is the envelope's.
 */
function canonicalData(canonical: string): string {
  return canonical.slice(8, canonical.lastIndexOf(',"dataversion":'));
}

function parameters(events: readonly LogEvent[], letters: readonly NewDeadLetter[]): Buffer[] {
  const bodies = events.map(canonicalEvent);
  return [
    hashArray(events.map(identitySum), 'uuid'),
    hashArray(
      bodies.map((body) => hash('sha256', body)),
      'bytea',
    ),
    int8Array(events.map((event) => event.time)),
    textArray(events.map((event) => event.tenant)),
    textArray(events.map((event) => event.source)),
    textArray(events.map((event) => event.id)),
    textArray(events.map((event) => event.type)),
    textArray(events.map((event) => event.subject)),
    int8Array(events.map((event) => event.dataversion)),
    textArray(events.map((event) => event.sequence)),
    textArray(bodies.map(canonicalData)),
    byteaArray(letters.map((letter) => letter.raw)),
    textArray(letters.map((letter) => letter.reason)),
    textArray(letters.map((letter) => storableText(letter.detail))),
    textArray(letters.map((letter) => letter.tenant && storableText(letter.tenant))),
    textArray(letters.map((letter) => letter.jobId && storableText(letter.jobId))),
  ];
}

/**
 * Appends what is new and writes the dead letters, in one call that is one transaction: a lock held across
 * round trips would let one stalled client block everybody.
 * @throws the driver's error; nothing was written then, unless the connection was lost on the way back.
 */
export async function appendEvents(
  pool: Pool,
  io: IoSteps,
  events: readonly LogEvent[],
  letters: readonly NewDeadLetter[],
): Promise<AppendedRow> {
  const values = parameters(events, letters);
  await io.step('log.append:before');
  const { rows } = await pool.query<AppendedRow>({ ...STATEMENT, values });
  await io.step('log.append:after');
  return rows[0]!;
}
