import { CheckpointConflictError, type IoSteps, clientConfig, WRITER_SESSION } from '@quipu/platform';
import { Client, type QueryResult } from 'pg';
import { type ProjectionHandler, type Statement } from './handler.js';
import { runStatement } from './run-statement.js';

/** First key of every election lock, so that no other use of advisory locks can meet it by accident. */
export const ELECTION_LOCK_CLASS = 0x51_50_4c_31;

/** SQLSTATE that `advance_checkpoint` raises. */
const CHECKPOINT_MOVED = 'QP001';

/**
 * The planner may not choose by statistics: right after a table was filled it takes it for empty, reads all of it
 * for every batch, and a replay becomes several times slower. Every hot statement is a nested loop over indexes.
 *
 * `synchronous_commit` is off because nothing here is the only copy of anything: after a crash of the machine the
 * tables go back together with their checkpoint, and the same events, whose commit was synchronous, are folded
 * again. A Redis that is ahead of the checkpoint then is recognised by its position.
 */
export const PROJECTION_SESSION = {
  ...WRITER_SESSION,
  synchronous_commit: 'off',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_bitmapscan: 'off',
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
} as const;

/** After this a connection that gives no answer is given up; a batch takes a fraction of it. */
const ANSWER_TIMEOUT_MS = 60_000;
/** What the driver says when {@link ANSWER_TIMEOUT_MS} is over; it has no code for it. */
const READ_TIMEOUT = 'Query read timeout';
/** How long closing may take; a server that is out of reach never says goodbye. */
const CLOSE_TIMEOUT_MS = 2_000;

/** What the election for the live tables of `name`, or for those being built in schema `building`, is held under. */
export function electionName(name: string, building?: string): string {
  return building === undefined ? name : `${name}/${building}`;
}

/** The generation that a runner writes. */
export interface Target {
  readonly schemaName: string;
  readonly status: 'live' | 'building';
}

/** Two-key advisory lock of projection `name`: the class, and a hash computed by Postgres itself. */
const TRY_LEAD = `SELECT pg_try_advisory_lock($1::int, hashtext($2)) AS elected`;

/**
 * The runner's own connection. It holds the election lock and writes the batches, so the lock lives exactly as
 * long as the writer: once another session got the lock, no COMMIT of this one can still be under way, and a
 * checkpoint read after the election is final. Not for PgBouncer in transaction mode.
 */
export class LeaderSession {
  private lost: Error | null = null;

  private constructor(
    private readonly client: Client,
    private readonly io: IoSteps,
  ) {
    client.on('error', (error: Error) => (this.lost ??= error));
    client.on('end', () => (this.lost ??= new Error('Connection terminated')));
  }

  /** Opens the connection; nothing is locked yet. */
  static async open(databaseUrl: string, name: string, io: IoSteps): Promise<LeaderSession> {
    const client = new Client({
      ...clientConfig(databaseUrl, {
        applicationName: `quipu-projection-${name}`,
        session: PROJECTION_SESSION,
      }),
      query_timeout: ANSWER_TIMEOUT_MS,
    });
    const session = new LeaderSession(client, io);
    try {
      await client.connect();
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  /** Whether the connection is known to be gone. */
  get closed(): boolean {
    return this.lost !== null;
  }

  /** Tries to become the one runner of projection `name` (see {@link electionName}); never waits. */
  async tryLead(name: string, building?: string): Promise<boolean> {
    const { rows } = await this.client.query<{ elected: boolean }>(TRY_LEAD, [
      ELECTION_LOCK_CLASS,
      electionName(name, building),
    ]);
    return rows[0]?.elected === true;
  }

  /** For reads that belong to the election: checkpoint and skips. */
  get queryable(): Pick<Client, 'query'> {
    return this.client;
  }

  /**
   * Writes one batch: checkpoint first, then the batch's statements, then COMMIT.
   *
   * @returns the ledger epoch that the transaction saw.
   * @throws CheckpointConflictError when the checkpoint was not at `from` under this handler's code any more.
   * @throws whatever Postgres refused; the transaction is rolled back, or its outcome is unknown when the error
   *   comes from COMMIT or the connection. Callers re-read the checkpoint.
   */
  async writeBatch(
    handler: Pick<ProjectionHandler, 'name' | 'version' | 'codeHash'>,
    target: Target,
    statements: readonly Statement[],
    from: bigint,
    to: bigint,
    nowMs: number,
  ): Promise<string> {
    const advance: Statement = {
      name: 'checkpoint',
      text: 'SELECT advance_checkpoint($1, $2, $3, $4, $5, $6, $7, $8) AS epoch',
      values: [
        ...[handler.name, target.schemaName, target.status, handler.version],
        ...[String(from), String(to), handler.codeHash(), String(nowMs)],
      ],
    };
    let epoch: string;
    try {
      const results = await this.send([BEGIN, advance, ...statements]);
      epoch = (results[1]!.rows as { epoch: string }[])[0]!.epoch;
    } catch (error) {
      await this.rollback(error);
      if (error instanceof Error && 'code' in error && error.code === CHECKPOINT_MOVED) {
        throw new CheckpointConflictError(
          `The checkpoint of ${handler.name} was moved from ${from} by somebody else.`,
          { cause: error },
        );
      }
      throw error;
    }
    await this.send([COMMIT]);
    return epoch;
  }

  private async send(statements: readonly Statement[]): Promise<Pick<QueryResult, 'rows'>[]> {
    const results: Pick<QueryResult, 'rows'>[] = [];
    for (const statement of statements) {
      await this.io.step(`projection.${statement.name}:before`);
      results.push(await runStatement(this.client, statement));
      await this.io.step(`projection.${statement.name}:after`);
    }
    return results;
  }

  private async rollback(cause: unknown): Promise<void> {
    // A server that has stopped to answer would keep a ROLLBACK waiting as long again.
    if (cause instanceof Error && cause.message === READ_TIMEOUT) this.lost ??= cause;
    if (this.lost !== null) return;
    try {
      await this.client.query('ROLLBACK');
    } catch (error) {
      this.lost ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Closes the connection, which gives the election lock back. Never throws, bounded time. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>(
      (resolve) => (timer = setTimeout(() => resolve('late'), CLOSE_TIMEOUT_MS)),
    );
    // A connection that cannot say goodbye is gone already; its socket must not keep the lock of a hung server's.
    const end = await Promise.race([this.client.end().catch(() => undefined), late]);
    if (end === 'late') this.client.connection.stream.destroy();
    clearTimeout(timer);
  }
}

const BEGIN: Statement = { name: 'begin', text: 'BEGIN', values: [] };
const COMMIT: Statement = { name: 'commit', text: 'COMMIT', values: [] };
