import { type ArchivedLog, bodyHash } from '@quipu/event-log';
import { type ClientBase } from 'pg';
import { CheckFailedError } from '../support/exit-codes.js';

/** Links of the chain to a statement. */
const PAGE = 200;

/**
 * One link, computed from the rows of the log by the database itself. Links that end below $2 are archived: the sum of
 * their file vouches for them. Of a link that the cut goes through, $3 are the archived events, and $4 their number.
 */
const LINKS = `
  SELECT d.last_position, d.previous, d.digest, d.events,
         CASE WHEN d.last_position < $2::bigint THEN d.events
              WHEN d.first_position < $2::bigint THEN e.events + $4::int ELSE e.events END AS found,
         CASE WHEN d.last_position < $2::bigint THEN d.digest
              ELSE sha256(d.previous || CASE WHEN d.first_position < $2::bigint THEN $3::bytea ELSE ''::bytea END
                                     || coalesce(e.chained, ''::bytea)) END AS computed
  FROM (SELECT * FROM log_digests WHERE last_position > $1 ORDER BY last_position LIMIT ${PAGE}) d
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS events,
           string_agg(int8send(l.position) || sha256(convert_to(
             log_canonical_event(l.time_ms, l.tenant, l.source, l.event_id, l.type, l.subject, l.dataversion,
                                 l.sequence, l.data::text), 'UTF8')), ''::bytea ORDER BY l.position) AS chained
    FROM log l WHERE l.position BETWEEN d.first_position AND d.last_position
  ) e
  ORDER BY d.last_position`;

interface Link {
  last_position: string;
  previous: Buffer;
  digest: Buffer;
  events: number;
  found: number;
  computed: Buffer;
}

/**
 * Checks that the digest chain is unbroken and vouches for every event of the log, inside a transaction that has just
 * filled the tables.
 * @returns the number of events.
 * @throws CheckFailedError at the first link that does not fit, or when there are events without one.
 */
export async function checkDigests(
  client: ClientBase,
  signal: AbortSignal,
  archived: ArchivedLog | null,
  progress: (events: number) => void,
): Promise<number> {
  let after = '0';
  let digest: Buffer = Buffer.alloc(32);
  let events = 0;
  const end = archived?.end ?? 0n;
  const cut = archived === null ? { count: 0, chained: Buffer.alloc(0) } : await beforeCut(client, archived);
  for (;;) {
    signal.throwIfAborted();
    const { rows } = await client.query<Link>(LINKS, [after, String(end), cut.chained, cut.count]);
    for (const link of rows) {
      if (!link.previous.equals(digest) || !link.computed.equals(link.digest) || link.found !== link.events) {
        throw refused(`the digest chain is broken at position ${link.last_position}`);
      }
      digest = link.digest;
      after = link.last_position;
      events += link.events;
    }
    progress(events);
    if (rows.length < PAGE) break;
  }
  const { rows } = await client.query<{ logged: string; known: string }>(
    `SELECT (SELECT count(*) FROM log) AS logged, (SELECT count(*) FROM event_ids) AS known`,
  );
  const inFiles = archived?.parts.reduce((sum, part) => sum + part.events, 0) ?? 0;
  if (Number(rows[0]?.logged) + inFiles !== events) throw refused('events have no place in the digest chain');
  if (Number(rows[0]?.known) !== events) throw refused('events and identities are not the same in number');
  return events;
}

/** What the digest of the append that the cut goes through takes from the archive. */
async function beforeCut(
  client: ClientBase,
  archived: ArchivedLog,
): Promise<{ count: number; chained: Buffer }> {
  const { rows } = await client.query<{ first_position: string }>(
    `SELECT first_position FROM log_digests WHERE last_position >= $1 ORDER BY last_position LIMIT 1`,
    [String(archived.end)],
  );
  const first = BigInt(rows[0]?.first_position ?? archived.end);
  const events = first < archived.end ? await archived.readRange(first, archived.end - 1n) : [];
  const parts = events.flatMap((event) => {
    const position = Buffer.alloc(8);
    position.writeBigInt64BE(event.position);
    return [position, bodyHash(event)];
  });
  return { count: events.length, chained: Buffer.concat(parts) };
}

function refused(why: string): CheckFailedError {
  return new CheckFailedError(`What the backup holds cannot be trusted: ${why}.`, {
    hint: 'Nothing was restored; the database is empty. Use another backup.',
  });
}
