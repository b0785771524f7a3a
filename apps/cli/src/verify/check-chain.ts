import { pgArray } from '@quipu/platform';
import type { PoolClient } from 'pg';
import { canonicalText, sha256, uuidOf } from './canonical.js';
import type { DifferenceList } from './difference-list.js';
import { pagesByPosition, type LogRow } from './log-reader.js';

/** A row of `log_digests`. */
interface DigestRow {
  readonly firstPosition: bigint;
  readonly lastPosition: bigint;
  readonly events: number;
  readonly digest: Buffer;
  readonly previous: Buffer;
}

/** How much was checked. */
export interface ChainCounts {
  digests: number;
  identities: number;
}

const NO_DIGEST = Buffer.alloc(32);
const DIGEST_PAGE = 1_000;

/**
 * Recomputes the digest chain and the identities of the log (the view `whole_log`) up to `head` from the events themselves. A
 * tampered batch is reported once: the chain goes on from the digest that is stored.
 */
export async function checkChain(
  client: PoolClient,
  head: bigint,
  found: DifferenceList,
  progress: (events: number) => void,
): Promise<ChainCounts> {
  const counts: ChainCounts = { digests: 0, identities: 0 };
  const digests = digestRows(client, head);
  let digest: DigestRow | undefined = (await digests.next()).value;
  let batch = new Batch(NO_DIGEST);

  const finish = async (): Promise<void> => {
    while (digest !== undefined && batch.last >= digest.lastPosition) {
      counts.digests += 1;
      batch.compare(digest, found);
      batch = new Batch(digest.digest);
      digest = (await digests.next()).value;
    }
  };

  for await (const page of pagesByPosition(client, 'whole_log', head)) {
    const hashes = page.map(({ event }) => sha256(canonicalText(event)));
    await checkIdentities(client, page, hashes, found);
    counts.identities += page.length;
    for (const [index, row] of page.entries()) {
      // A digest may end before this event without an event of its own: then the log has lost some.
      while (digest !== undefined && row.position > digest.lastPosition) {
        batch.last = digest.lastPosition;
        await finish();
      }
      batch.add(row.position, hashes[index] ?? NO_DIGEST);
      await finish();
    }
    progress(counts.identities);
  }
  while (digest !== undefined) {
    batch.last = digest.lastPosition;
    await finish();
  }
  if (batch.events > 0) {
    found.add({
      kind: 'digest',
      key: `positions ${batch.first} to ${batch.last}`,
      expected: 'a digest',
      found: null,
    });
  }
  await countIdentities(client, head, counts.identities, found);
  return counts;
}

/** The events since the last digest. */
class Batch {
  first: bigint | null = null;
  last = 0n;
  events = 0;
  private readonly parts: Buffer[] = [];

  constructor(private readonly previous: Buffer) {}

  add(position: bigint, hash: Buffer): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(position);
    this.parts.push(bytes, hash);
    this.first ??= position;
    this.last = position;
    this.events += 1;
  }

  compare(digest: DigestRow, found: DifferenceList): void {
    const shape = (first: bigint | null, events: number, previous: Buffer, own: Buffer): string =>
      `${events} events from ${first ?? '-'}, ${previous.toString('hex')} -> ${own.toString('hex')}`;
    const expected = shape(this.first, this.events, this.previous, sha256(this.previous, ...this.parts));
    const stored = shape(digest.firstPosition, digest.events, digest.previous, digest.digest);
    if (expected !== stored) {
      found.add({ kind: 'digest', key: `batch ending at ${digest.lastPosition}`, expected, found: stored });
    }
  }
}

async function* digestRows(client: PoolClient, head: bigint): AsyncGenerator<DigestRow, undefined> {
  let after = '-1';
  for (;;) {
    const { rows } = await client.query<{
      first_position: string;
      last_position: string;
      events: number;
      digest: Buffer;
      previous: Buffer;
    }>(
      `SELECT first_position, last_position, events, digest, previous FROM log_digests
       WHERE last_position > $1 AND last_position <= $2 ORDER BY last_position LIMIT ${DIGEST_PAGE}`,
      [after, head.toString()],
    );
    for (const row of rows) {
      yield {
        firstPosition: BigInt(row.first_position),
        lastPosition: BigInt(row.last_position),
        events: row.events,
        digest: row.digest,
        previous: row.previous,
      };
    }
    if (rows.length < DIGEST_PAGE) return undefined;
    after = rows.at(-1)?.last_position ?? after;
  }
}

async function checkIdentities(
  client: PoolClient,
  page: readonly LogRow[],
  hashes: readonly Buffer[],
  found: DifferenceList,
): Promise<void> {
  const identities = page.map(({ event }) =>
    uuidOf(sha256(JSON.stringify([event.tenant, event.source, event.id]))),
  );
  const { rows } = await client.query<{ ordinal: string; position: string | null; body: Buffer | null }>(
    `SELECT w.ordinal, i.position, i.body_hash AS body
     FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS w(identity, position, body, ordinal)
       LEFT JOIN event_ids i ON i.identity = w.identity
     WHERE i.position IS DISTINCT FROM w.position OR i.body_hash IS DISTINCT FROM w.body
     ORDER BY w.ordinal`,
    [pgArray(identities), pgArray(page.map(({ position }) => position)), pgArray([...hashes])],
  );
  for (const row of rows) {
    const index = Number(row.ordinal) - 1;
    const logged = page[index];
    if (logged === undefined) continue;
    const { event, position } = logged;
    found.add({
      kind: 'identity',
      key: `${event.tenant} ${event.source} ${event.id}`,
      expected: `position ${position}, body ${hashes[index]?.toString('hex')}`,
      found: row.position === null ? null : `position ${row.position}, body ${row.body?.toString('hex')}`,
      entities: [`${event.tenant} ${event.subject}`],
    });
  }
}

/**
 * Every event has its identity; with equal numbers there is no identity without an event either. One behind the end of
 * the log was appended meanwhile, or its event was cut off together with its digest.
 */
async function countIdentities(
  client: PoolClient,
  head: bigint,
  events: number,
  found: DifferenceList,
): Promise<void> {
  const { rows } = await client.query<{ count: string; behind: string[] | null }>(
    `SELECT count(*) FILTER (WHERE position <= $1) AS count,
       array_agg(position::text) FILTER (WHERE position > $1) AS behind
     FROM event_ids`,
    [head.toString()],
  );
  const count = Number(rows[0]?.count ?? 0);
  if (count !== events) {
    const key = `identities up to position ${head}`;
    found.add({ kind: 'identity', key, expected: `${events}`, found: `${count}` });
  }
  const lost = await client.query<{ count: string }>(
    `SELECT count(*) AS count FROM unnest($1::bigint[]) AS behind (position)
     WHERE NOT EXISTS (SELECT FROM whole_log WHERE whole_log.position = behind.position)`,
    [pgArray(rows[0]?.behind ?? [])],
  );
  const without = lost.rows[0]?.count ?? '0';
  if (without === '0') return;
  const key = `identities behind the end of the log, position ${head}`;
  found.add({ kind: 'identity', key, expected: '0 without an event', found: `${without} without an event` });
}
