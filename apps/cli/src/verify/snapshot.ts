import { pgArray, QuipuError, type Clock } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { PoolClient } from 'pg';
import { meetRedis, type RedisMeeting } from './redis-meeting.js';
import type { RedisMember, RedisTotal } from './redis-dump.js';

/** What was copied, and where it stands. */
export interface Snapshot {
  readonly position: bigint;
  readonly epoch: string;
  /** The last position of the log, as the log or its digests say: a log that lost its end must not look whole. */
  readonly head: bigint;
  /** Events that the digest chain covers: how long the checks will take. */
  readonly logEvents: number;
  readonly takenMs: number;
  /** Whether the entities' states were copied. */
  readonly states: boolean;
  readonly redis: Exclude<RedisMeeting, { state: 'passed' }>;
}

/** There is no live ledger to verify. */
export class NoLedgerError extends QuipuError {
  readonly code = 'no_ledger';
  readonly retryable = false;
}

/** The projection whose summaries are verified. */
const PROJECTION = 'ledger';
const ATTEMPTS = 100;
/** A runner reloads a wrong Redis within about a second; this is several of them. */
const REDIS_WAIT_MS = 5_000;

const POSITION = `
  SELECT schema_name, position, code_hash, (SELECT epoch FROM ledger_epoch) AS epoch,
    greatest((SELECT max(position) FROM log), (SELECT max(last_position) FROM log_digests), 0) AS head,
    (SELECT coalesce(sum(events), 0) FROM log_digests) AS events
  FROM projections WHERE name = $1 AND status = 'live'`;

/** Statements that copy the summaries in `schema` to the temporary tables. */
const copies = (schema: string): string[] => [
  `INSERT INTO found_amounts SELECT family, tenant, labels, value FROM ${schema}.amounts`,
  `INSERT INTO found_members SELECT family, tenant, labels, member, score FROM ${schema}.members`,
  `INSERT INTO found_keys SELECT key_id, grain, tenant, user_id, queue, cluster, template, provider,
     hardware, image, services FROM ${schema}.usage_keys`,
  `INSERT INTO found_changes SELECT level, t, key_id, d, n FROM ${schema}.changes`,
  // A level without changes has nothing in its columns either: the next change would be added to what is there.
  `INSERT INTO found_sums
     SELECT (level_group - 1) * 3 + place, key_id, bucket_kind, bucket, d, w, n, max_t
     FROM ${schema}.level_buckets CROSS JOIN LATERAL (
       VALUES (1, d1, w1, n1, max_t1), (2, d2, w2, n2, max_t2), (3, d3, w3, n3, max_t3)
     ) AS sums (place, d, w, n, max_t)
     WHERE n <> 0 OR d <> 0 OR w <> 0`,
  `INSERT INTO skipped SELECT position FROM projection_skips WHERE name = '${PROJECTION}'`,
];

const copyStates = (schema: string): string =>
  `INSERT INTO found_states (tenant, kind, id, state) SELECT tenant, kind, id, state::text FROM ${schema}.entities`;

/** What a snapshot may be told. */
export interface SnapshotOptions {
  /** How long Redis may take to come to the checkpoint, ms. */
  readonly redisWaitMs?: number;
  /** The states of the entities are copied as well, if code of this hash has made them. */
  readonly codeHash?: string;
}

/**
 * Copies the ledger's summaries, its skips and, if `redis` is given, Redis' totals into the temporary
 * tables, all as of one position. The snapshot lasts as long as the copying: everything slow happens
 * afterwards, on the copies and on the log, which never changes behind its head.
 *
 * A live Redis follows the checkpoint by a moment, so this looks for a position where both stand: it
 * waits for Redis to come to the snapshot's position, and takes a new snapshot when Redis has passed it.
 * @throws NoLedgerError when no live ledger projection exists.
 */
export async function takeSnapshot(
  client: PoolClient,
  redis: Redis | undefined,
  clock: Clock,
  { redisWaitMs = REDIS_WAIT_MS, codeHash }: SnapshotOptions = {},
): Promise<Snapshot> {
  for (let attempt = 1; ; attempt += 1) {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    try {
      // Waiting for Redis may take as long as a writer's session may idle, and nobody waits for this one.
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      const at = await readPosition(client);
      const takenMs = clock.now();
      const met = await meetRedis(redis, at.position, at.epoch, redisWaitMs);
      if (met.state === 'passed' && attempt < ATTEMPTS) {
        await client.query('ROLLBACK');
        continue;
      }
      const schema = client.escapeIdentifier(at.schema);
      const states = at.codeHash === codeHash;
      for (const copy of [...copies(schema), ...(states ? [copyStates(schema)] : [])])
        await client.query(copy);
      await client.query('COMMIT');
      if (met.state === 'met') await storeRedis(client, met.totals, met.members);
      const { position, epoch, head, logEvents } = at;
      return {
        ...{ position, epoch, head, logEvents, takenMs, states },
        redis: met.state === 'passed' ? OUTRUN : met,
      };
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

const OUTRUN = {
  state: 'absent',
  reason: `Redis was further on than ${ATTEMPTS} snapshots in a row`,
} as const;

interface Position {
  readonly schema: string;
  readonly position: bigint;
  readonly codeHash: string;
  readonly epoch: string;
  readonly head: bigint;
  readonly logEvents: number;
}

async function readPosition(client: PoolClient): Promise<Position> {
  const { rows } = await client.query<
    Record<'schema_name' | 'position' | 'code_hash' | 'epoch' | 'head' | 'events', string>
  >(POSITION, [PROJECTION]);
  const row = rows[0];
  if (row === undefined) {
    throw new NoLedgerError('The database has no live ledger projection.', {
      hint: 'Start the projector once: quipu start',
    });
  }
  return {
    schema: row.schema_name,
    position: BigInt(row.position),
    codeHash: row.code_hash,
    epoch: row.epoch,
    head: BigInt(row.head),
    logEvents: Number(row.events),
  };
}

const SLICE = 20_000;

async function storeRedis(
  client: PoolClient,
  totals: readonly RedisTotal[],
  members: readonly RedisMember[],
): Promise<void> {
  for (let from = 0; from < totals.length; from += SLICE) {
    const slice = totals.slice(from, from + SLICE);
    await client.query(
      'INSERT INTO found_redis_totals SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])',
      (['family', 'tenant', 'labels', 'value'] as const).map((name) =>
        pgArray(slice.map((row) => row[name])),
      ),
    );
  }
  for (let from = 0; from < members.length; from += SLICE) {
    const slice = members.slice(from, from + SLICE);
    await client.query(
      `INSERT INTO found_redis_members
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])`,
      (['family', 'tenant', 'labels', 'member', 'score'] as const).map((name) =>
        pgArray(slice.map((row) => row[name])),
      ),
    );
  }
}
