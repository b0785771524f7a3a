import type { EventLog } from '@quipu/event-log';
import { CheckpointConflictError, type IoSteps } from '@quipu/platform';
import type { ClientBase } from 'pg';
import { PLATFORM_TENANT, type StoredEvent } from '@quipu/contracts';
import { Roll } from './roll.js';
import { endingOf, endingRow, type EndingRow, LIFE_COLUMNS, lifeOf, lifeRow, type LifeRow } from './rows.js';
import { LIFE_TYPES, SWEEPER_SOURCE, WORKER_PREFIX } from './selection.js';

/** A connection that the sweeper works on. */
export type SweeperClient = Pick<ClientBase, 'query'>;

/** Positions of the log that are read at once. */
const CHUNK = 10_000n;

const LIVES_OF = `
SELECT ${LIFE_COLUMNS} FROM sweeper_lives
 JOIN unnest($1::text[], $2::text[]) AS named (tenant, worker) USING (tenant, worker)`;

const ENDINGS_OF = `
SELECT e.* FROM sweeper_endings e
 JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::text[])) AS named (tenant, worker, life)
   USING (tenant, worker, life)
UNION
SELECT e.* FROM sweeper_endings e
 JOIN (SELECT DISTINCT * FROM unnest($4::text[], $5::text[])) AS named (job_tenant, job) USING (job_tenant, job)`;

const ADVANCE = `
UPDATE sweeper_state SET position = $2, lost = lost + $3, ended = ended + $4, woken = woken + $5 WHERE position = $1`;

const WRITE_LIVES = `
INSERT INTO sweeper_lives SELECT * FROM jsonb_populate_recordset(NULL::sweeper_lives, $1)
ON CONFLICT (tenant, worker, life) DO UPDATE SET
  since_ms = excluded.since_ms, connected_ms = excluded.connected_ms, sign_ms = excluded.sign_ms,
  sign_source = excluded.sign_source, sign_id = excluded.sign_id, beats = excluded.beats, ended_ms = excluded.ended_ms,
  lost_since_ms = excluded.lost_since_ms, lost_ms = excluded.lost_ms, heard_ms = excluded.heard_ms,
  retired = excluded.retired, in_touch = excluded.in_touch`;

const WRITE_ENDINGS = `
INSERT INTO sweeper_endings SELECT * FROM jsonb_populate_recordset(NULL::sweeper_endings, $1)
ON CONFLICT (job_tenant, job, attempt, tenant, worker, life) DO UPDATE SET
  ended_ms = excluded.ended_ms, woken_ms = excluded.woken_ms, woken_source = excluded.woken_source,
  woken_id = excluded.woken_id`;

const FORGET_LIVES = `
DELETE FROM sweeper_lives USING unnest($1::text[], $2::text[], $3::text[]) AS over (tenant, worker, life)
 WHERE sweeper_lives.tenant = over.tenant AND sweeper_lives.worker = over.worker AND sweeper_lives.life = over.life`;

const FORGET_ENDINGS = `
DELETE FROM sweeper_endings e USING jsonb_populate_recordset(NULL::sweeper_endings, $1) o
 WHERE (e.job_tenant, e.job, e.attempt, e.tenant, e.worker, e.life)
     = (o.job_tenant, o.job, o.attempt, o.tenant, o.worker, o.life)`;

/**
 * Reads on in the log, one chunk, and writes what it tells of lives in one transaction with how far it was read.
 *
 * @param from where the tables stand; `head` is a position that is committed.
 * @returns where they stand now.
 * @throws CheckpointConflictError when somebody else has read on meanwhile: there is another sweeper.
 */
export async function feed(
  client: SweeperClient,
  log: Pick<EventLog, 'readSelected'>,
  io: IoSteps,
  from: bigint,
  head: bigint,
): Promise<bigint> {
  const to = from + CHUNK < head ? from + CHUNK : head;
  await io.step('sweeper.read:before');
  const page = await log.readSelected(from, to, { types: LIFE_TYPES, source: SWEEPER_SOURCE });
  await io.step('sweeper.read:after');
  await client.query('BEGIN');
  try {
    const roll = await load(client, page.events);
    for (const event of page.events) roll.take(event);
    const { lost, ended, woken } = roll.counts;
    await io.step('sweeper.write:before');
    const moved = await client.query(ADVANCE, [String(from), String(page.to), lost, ended, woken]);
    if (moved.rowCount !== 1) {
      throw new CheckpointConflictError(
        `The sweeper's place in the log was moved from ${from} by another one.`,
      );
    }
    await write(client, roll);
    await client.query('COMMIT');
    await io.step('sweeper.write:after');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  return page.to;
}

async function load(client: SweeperClient, events: readonly StoredEvent[]): Promise<Roll> {
  if (events.length === 0) return new Roll([], []);
  const workers = new Map<string, [string, string]>();
  const lives: [string, string, string][] = [];
  const jobs: [string, string][] = [];
  for (const { tenant, subject, data } of events) {
    if (!subject.startsWith(WORKER_PREFIX)) {
      jobs.push([tenant, subject]);
      const { worker, workerTenant } = data;
      if (typeof worker === 'string')
        note(workers, typeof workerTenant === 'string' ? workerTenant : null, worker);
      continue;
    }
    const worker = subject.slice(WORKER_PREFIX.length);
    note(workers, tenant, worker);
    lives.push([tenant, worker, typeof data['life'] === 'string' ? data['life'] : '']);
  }
  const known = await client.query<LifeRow>(LIVES_OF, columns([...workers.values()], 2));
  const endings = await client.query<EndingRow>(ENDINGS_OF, [...columns(lives, 3), ...columns(jobs, 2)]);
  return new Roll(known.rows.map(lifeOf), endings.rows.map(endingOf));
}

function note(workers: Map<string, [string, string]>, tenant: string | null, worker: string): void {
  const named: [string, string] = [tenant ?? PLATFORM_TENANT, worker];
  workers.set(named.join('\n'), named);
}

async function write(client: SweeperClient, roll: Roll): Promise<void> {
  const { lives, endings, overLives, overEndings } = roll.changes();
  // First: what was taken back may have ended again within the same chunk.
  if (overEndings.length > 0) {
    await client.query(FORGET_ENDINGS, [JSON.stringify(overEndings.map(endingRow))]);
  }
  if (endings.length > 0) await client.query(WRITE_ENDINGS, [JSON.stringify(endings.map(endingRow))]);
  if (lives.length > 0) await client.query(WRITE_LIVES, [JSON.stringify(lives.map(lifeRow))]);
  if (overLives.length > 0) {
    const keys = overLives.map(({ tenant, worker, life }) => [tenant, worker, life]);
    await client.query(FORGET_LIVES, columns(keys, 3));
  }
}

/** The columns of rows, each as an array: the parameters of `unnest`. */
function columns(rows: readonly (readonly string[])[], width: number): string[][] {
  return Array.from({ length: width }, (_, at) => rows.map((row) => row[at]!));
}
