import { recordAudit } from '@quipu/access';
import { type RefusalReason } from '@quipu/contracts';
import { withTransaction } from '@quipu/platform';
import { type Pool } from 'pg';
import { CommandFailedError } from '../support/exit-codes.js';
import { LOCAL_ACTOR } from '../support/scope.js';

/** Every state of a dead letter; only `open` ones wait for somebody. */
export const LETTER_STATUSES = ['open', 'mended', 'replayed', 'discarded'] as const;

/** State of a dead letter. */
export type LetterStatus = (typeof LETTER_STATUSES)[number];

/** A dead letter: what could not become an event, and why. */
export interface Letter {
  readonly id: bigint;
  /** The bytes as they came; of the list, only their number is read. */
  readonly raw: Buffer;
  readonly bytes: number;
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly tenant: string | null;
  readonly status: LetterStatus;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly seen: number;
  readonly jobId: string | null;
}

/** Which letters are wanted, newest first. */
export interface LetterFilter {
  readonly status?: LetterStatus;
  readonly reason?: string;
  readonly tenant?: string;
  /** Seen last at or after this time, ms. */
  readonly sinceMs?: number;
  /** Only letters with a lower id: the next page. */
  readonly before?: bigint;
  readonly limit: number;
}

interface LetterRow {
  id: string;
  raw: Buffer;
  bytes: number;
  reason: RefusalReason;
  detail: string;
  tenant: string | null;
  status: LetterStatus;
  first_seen_ms: string;
  last_seen_ms: string;
  seen: number;
  job_id: string | null;
}

const COLUMNS =
  'id, octet_length(raw) AS bytes, reason, detail, tenant, status, first_seen_ms, last_seen_ms, seen, job_id';

/** Letters without their bytes, newest first. */
export async function listLetters(pool: Pool, filter: LetterFilter): Promise<Letter[]> {
  const { rows } = await pool.query<LetterRow>(
    `SELECT ${COLUMNS}, ''::bytea AS raw FROM dead_letters
     WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR reason = $2)
       AND ($3::text IS NULL OR tenant = $3) AND ($4::bigint IS NULL OR last_seen_ms >= $4)
       AND ($5::bigint IS NULL OR id < $5)
     ORDER BY id DESC LIMIT $6`,
    [
      filter.status ?? null,
      filter.reason ?? null,
      filter.tenant ?? null,
      filter.sinceMs ?? null,
      filter.before === undefined ? null : String(filter.before),
      filter.limit,
    ],
  );
  return rows.map(letterOf);
}

/**
 * One letter with its bytes.
 * @throws CommandFailedError when there is none.
 */
export async function readLetter(pool: Pool, id: bigint): Promise<Letter> {
  const { rows } = await pool.query<LetterRow>(`SELECT ${COLUMNS}, raw FROM dead_letters WHERE id = $1`, [
    String(id),
  ]);
  if (rows[0] !== undefined) return letterOf(rows[0]);
  throw new CommandFailedError(`There is no dead letter ${id}.`, {
    hint: '`./quipu dead-letters list --status all` shows all of them.',
  });
}

/**
 * One letter that nobody has dealt with, with its bytes.
 * @throws CommandFailedError when there is none.
 */
export async function readOpenLetter(pool: Pool, id: bigint): Promise<Letter> {
  const letter = await readLetter(pool, id);
  if (letter.status === 'open') return letter;
  throw new CommandFailedError(`Dead letter ${id} is ${letter.status} already.`);
}

/**
 * Closes an open letter and writes who did it and why into the audit, both or neither.
 * @returns false when somebody else has closed it meanwhile.
 */
export async function closeLetter(
  pool: Pool,
  letter: Pick<Letter, 'id' | 'reason' | 'tenant'>,
  as: Exclude<LetterStatus, 'open'>,
  atMs: number,
  detail: Record<string, unknown>,
): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE dead_letters SET status = $2 WHERE id = $1 AND status = 'open'`,
      [String(letter.id), as],
    );
    if (rowCount !== 1) return false;
    const { id, reason, tenant } = letter;
    await recordAudit(client, {
      ...{ atMs, actor: LOCAL_ACTOR, action: `dead_letter.${as}` },
      detail: { id: String(id), reason, tenant, ...detail },
    });
    return true;
  });
}

function letterOf(row: LetterRow): Letter {
  const { raw, bytes, reason, detail, tenant, status, seen } = row;
  return {
    ...{ id: BigInt(row.id), raw, bytes, reason, detail, tenant, status, seen, jobId: row.job_id },
    ...{ firstSeenMs: Number(row.first_seen_ms), lastSeenMs: Number(row.last_seen_ms) },
  };
}
