import { type ClientBase } from 'pg';
import { CheckFailedError } from '../support/exit-codes.js';

/** Links of the chain to a statement. */
const PAGE = 200;

/** One link, computed from the rows of the log by the database itself. */
const LINKS = `
  SELECT d.last_position, d.previous, d.digest, d.events, e.events AS found,
         sha256(d.previous || coalesce(e.chained, ''::bytea)) AS computed
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
  progress: (events: number) => void,
): Promise<number> {
  let after = '0';
  let digest: Buffer = Buffer.alloc(32);
  let events = 0;
  for (;;) {
    signal.throwIfAborted();
    const { rows } = await client.query<Link>(LINKS, [after]);
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
  if (Number(rows[0]?.logged) !== events) throw refused('events have no place in the digest chain');
  if (Number(rows[0]?.known) !== events) throw refused('events and identities are not the same in number');
  return events;
}

function refused(why: string): CheckFailedError {
  return new CheckFailedError(`What the backup holds cannot be trusted: ${why}.`, {
    hint: 'Nothing was restored; the database is empty. Use another backup.',
  });
}
