import { type StoredEvent } from '@quipu/contracts';
import { createLogger, type IoSteps, systemClock } from '@quipu/platform';
import { type ClientBase, type Pool } from 'pg';
import { EventLog } from '@quipu/event-log';
import { FoldError } from '@quipu/projection-engine';
import { type CommittedAt, type ProjectionHandler, type Statement } from '@quipu/projection-engine';
import { ProjectionRunner, type RunnerOptions } from '@quipu/projection-engine';

/** Name of the projection that the specs run. */
export const TALLY = 'tally';

/** A batch of the tally. */
export interface TallyBatch {
  readonly statements: readonly Statement[];
}

/** Makes the tally's table and its live row anew, over an empty log. A database per test would take seconds. */
export async function createTally(pool: Pool): Promise<void> {
  // As a replica a session fires no triggers: the log itself refuses to be emptied.
  await pool.query(`
    BEGIN;
    SET LOCAL session_replication_role = 'replica';
    DELETE FROM log;
    DELETE FROM log_digests;
    DELETE FROM event_ids;
    COMMIT`);
  await pool.query('DROP TABLE IF EXISTS tally');
  await pool.query('CREATE TABLE tally (subject text PRIMARY KEY, n bigint NOT NULL)');
  await pool.query('DELETE FROM projection_skips');
  await pool.query('DELETE FROM projections WHERE name = $1', [TALLY]);
  await pool.query(
    `INSERT INTO projections (name, version, schema_name, status) VALUES ($1, 1, 'public', 'live')`,
    [TALLY],
  );
}

/**
 * Counts events per subject. It writes absolute numbers out of its cache, so that a cache that was not dropped, or a
 * batch that was applied twice, shows in the table. Events can be told to be poison: `data.poison` is `fold` (the
 * fold throws) or `value` (Postgres refuses what it makes).
 */
export class TallyProjection implements ProjectionHandler<TallyBatch> {
  readonly name = TALLY;
  readonly version = 1;
  readonly tables = ['tally'];
  readonly mirrored: CommittedAt[] = [];
  private cache = new Map<string, bigint>();

  constructor(
    private readonly pool: Pool,
    private readonly hash = 'fold-1:sums-1',
  ) {}

  codeHash(): string {
    return this.hash;
  }

  canReseed(stored: string): boolean {
    return stored.split(':')[0] === this.hash.split(':')[0];
  }

  async prepare(events: readonly StoredEvent[]): Promise<TallyBatch> {
    const touched = new Map<string, string>();
    for (const { subject, data, position } of events) {
      if (data['poison'] === 'fold') throw new FoldError(`cannot count position ${position}`);
      const n = (this.cache.get(subject) ?? (await this.stored(subject))) + 1n;
      this.cache.set(subject, n);
      const poisoned = data['poison'] === 'value' || touched.get(subject) === 'many';
      touched.set(subject, poisoned ? 'many' : String(n));
    }
    if (touched.size === 0) return { statements: [] };
    const text = `INSERT INTO tally AS t (subject, n) SELECT s, n::bigint FROM unnest($1::text[], $2::text[]) AS x (s, n)
      ON CONFLICT (subject) DO UPDATE SET n = excluded.n`;
    return { statements: [{ name: TALLY, text, values: [[...touched.keys()], [...touched.values()]] }] };
  }

  committed(_batch: TallyBatch, at: CommittedAt): Promise<void> {
    this.mirrored.push(at);
    return Promise.resolve();
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  attach(): void {
    this.dropCaches();
  }

  dropCaches(): void {
    this.cache = new Map();
  }

  async truncate(tx: ClientBase): Promise<void> {
    await tx.query('DELETE FROM tally');
  }

  async reseed(tx: ClientBase): Promise<void> {
    await tx.query('UPDATE tally SET n = n * 1000');
  }

  private async stored(subject: string): Promise<bigint> {
    const { rows } = await this.pool.query<{ n: string }>('SELECT n FROM tally WHERE subject = $1', [
      subject,
    ]);
    return BigInt(rows[0]?.n ?? 0);
  }
}

/** A runner of the tally that polls fast enough for tests. */
export function tallyRunner(
  database: { url: string; pool: Pool },
  handler: TallyProjection,
  options: Partial<RunnerOptions<TallyBatch>> & { io?: IoSteps } = {},
): ProjectionRunner<TallyBatch> {
  return new ProjectionRunner<TallyBatch>({
    databaseUrl: database.url,
    log: new EventLog(database.pool),
    handler,
    clock: systemClock,
    logger: createLogger('test', 'silent'),
    pollMs: 20,
    ...options,
  });
}

/** The tally, by subject. */
export async function readTally(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ subject: string; n: string }>(
    'SELECT subject, n FROM tally ORDER BY subject',
  );
  return Object.fromEntries(rows.map(({ subject, n }) => [subject, Number(n)]));
}
