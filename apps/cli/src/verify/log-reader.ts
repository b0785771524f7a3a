import type { LogEvent } from '@quipu/contracts';
import type { PoolClient } from 'pg';

/** An event as the log holds it. */
export interface LogRow {
  readonly position: bigint;
  readonly event: LogEvent;
}

/** The table, or the view that has the archived parts of the log as well (`loadArchives`). */
export type LogSource = 'log' | 'whole_log';

const PAGE = 2_000;
const COLUMNS =
  'position, tenant, subject, type, time_ms, source, event_id, sequence, dataversion, data::text';

interface RawRow {
  readonly position: string;
  readonly tenant: string;
  readonly subject: string;
  readonly type: string;
  readonly time_ms: string;
  readonly source: string;
  readonly event_id: string;
  readonly sequence: string | null;
  readonly dataversion: number;
  readonly data: string;
}

/**
 * Makes the session walk indexes: a planner that has not yet seen statistics of a fresh log would sort all
 * of it for every page.
 */
export async function preferIndexes(client: PoolClient): Promise<void> {
  await client.query('SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off');
}

/** Undoes {@link preferIndexes}. */
export async function preferNothing(client: PoolClient): Promise<void> {
  await client.query('RESET enable_seqscan; RESET enable_sort; RESET enable_bitmapscan');
}

/** The log up to `head` in the order of positions, page by page, without a lasting snapshot. */
export async function* pagesByPosition(
  client: PoolClient,
  source: LogSource,
  head: bigint,
): AsyncGenerator<LogRow[]> {
  let after = 0n;
  for (;;) {
    const { rows } = await client.query<RawRow>(
      `SELECT ${COLUMNS} FROM ${source} WHERE position > $1 AND position <= $2 ORDER BY position LIMIT ${PAGE}`,
      [after.toString(), head.toString()],
    );
    if (rows.length > 0) yield rows.map(toLogRow);
    if (rows.length < PAGE) return;
    after = BigInt(rows.at(-1)?.position ?? after);
  }
}

/** The log up to `head`, entity after entity (all events of one subject of a tenant together), page by page. */
export async function* pagesByEntity(
  client: PoolClient,
  source: LogSource,
  head: bigint,
): AsyncGenerator<LogRow[]> {
  let after: readonly [string, string, string] = ['', '', '0'];
  for (;;) {
    const { rows } = await client.query<RawRow>(
      `SELECT ${COLUMNS} FROM ${source}
       WHERE (tenant, subject, position) > ($1::text, $2::text, $3::bigint) AND position <= $4
       ORDER BY tenant, subject, position LIMIT ${PAGE}`,
      [...after, head.toString()],
    );
    if (rows.length > 0) yield rows.map(toLogRow);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = [last.tenant, last.subject, last.position];
  }
}

function toLogRow(row: RawRow): LogRow {
  const event = {
    tenant: row.tenant,
    source: row.source,
    id: row.event_id,
    type: row.type,
    subject: row.subject,
    time: Number(row.time_ms),
    dataversion: row.dataversion,
    ...(row.sequence === null ? {} : { sequence: row.sequence }),
    data: JSON.parse(row.data) as Record<string, unknown>,
  };
  // The log holds only what passed validation; a type that the catalogue no longer knows is no entity's fact.
  return { position: BigInt(row.position), event: event as LogEvent };
}
