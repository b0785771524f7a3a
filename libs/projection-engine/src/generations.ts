import { type IoSteps, noIoSteps, QuipuError } from '@quipu/platform';
import { type Client, type ClientBase } from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import { type Queryable } from './checkpoint.js';
import { ProjectionMissingError } from './errors.js';
import { ELECTION_LOCK_CLASS, electionName } from './leader-session.js';

/** A generation that somebody else works on, or that cannot be promoted as it is. */
export class GenerationError extends QuipuError {
  readonly code = 'generation';
  readonly retryable = false;
}

/** What a new generation is made of. */
export interface GenerationPlan {
  /** Name of the projection. */
  readonly name: string;
  readonly version: number;
  readonly codeHash: string;
  /** Name of the schema of generation `n`. */
  schemaOf(n: number): string;
  /** Statements that make schema and tables. */
  tables(n: number): readonly string[];
}

/** A generation that is being built. */
export interface BuildingGeneration {
  readonly schemaName: string;
  readonly position: bigint;
  /** Whether it was begun before, by a build that was interrupted or has not been promoted. */
  readonly resumed: boolean;
}

/** Key of the lock under which generations come and go. */
const GENERATIONS_LOCK_CLASS = 0x51_50_4c_32;
const LOCK = `SELECT pg_advisory_xact_lock($1::int, hashtext($2))`;

/**
 * Makes the tables of a new generation, or finds those of a build that was interrupted; one that was begun by other
 * code is dropped first. All in one transaction: a kill leaves either nothing or something to go on with.
 * @throws GenerationError when somebody builds one of other code at this moment.
 */
export async function beginGeneration(client: Client, plan: GenerationPlan): Promise<BuildingGeneration> {
  return inTransaction(client, async () => {
    await client.query(LOCK, [GENERATIONS_LOCK_CLASS, plan.name]);
    const { rows } = await client.query<{
      schema_name: string;
      version: number;
      code_hash: string;
      position: string;
    }>(
      `SELECT schema_name, version, code_hash, position FROM projections
       WHERE name = $1 AND status = 'building'`,
      [plan.name],
    );
    const found = rows[0];
    if (found !== undefined) {
      const { schema_name: schemaName, position, version, code_hash: hash } = found;
      if (version === plan.version && (hash === '' || hash === plan.codeHash)) {
        return { schemaName, position: BigInt(position), resumed: true };
      }
      await removeGeneration(client, plan.name, schemaName);
    }
    const n = await nextNumber(client, plan);
    for (const statement of plan.tables(n)) await client.query(statement);
    await client.query(
      `INSERT INTO projections (name, version, schema_name, status) VALUES ($1, $2, $3, 'building')`,
      [plan.name, plan.version, plan.schemaOf(n)],
    );
    return { schemaName: plan.schemaOf(n), position: 0n, resumed: false };
  });
}

/** The lowest number above every generation that is there, whoever left its schema behind. */
async function nextNumber(client: ClientBase, plan: GenerationPlan): Promise<number> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT schema_name AS name FROM projections UNION SELECT nspname FROM pg_namespace`,
  );
  const numbers = rows
    .map(({ name }) => ({ name, n: Number(/[1-9][0-9]{0,8}$/.exec(name)?.[0] ?? 0) }))
    .filter(({ name, n }) => n > 0 && plan.schemaOf(n) === name);
  return 1 + Math.max(0, ...numbers.map(({ n }) => n));
}

/** What {@link promoteGeneration} needs. */
export interface PromoteOptions {
  readonly name: string;
  /** Schema of the generation that is being built. */
  readonly schemaName: string;
  /** Resolves when the builder has passed a position and has stopped; called while the live one stands still. */
  readonly settle: (position: bigint) => Promise<void>;
  readonly io?: IoSteps;
}

/** Which generations changed places, and where. */
export interface Promotion {
  readonly retired: string;
  readonly live: string;
  /** Where the new live generation stands. */
  readonly position: bigint;
}

/**
 * Makes a built generation the live one, in one transaction. It holds the live checkpoint's row from its first
 * statement on, so the live projection stands still at some position; the builder passes that one; then the two rows
 * change their status and the ledger gets a new epoch. So whoever reads sees positions that only grow, and whoever
 * was elected to write the old tables finds no live row of theirs, steps down, and is elected for the new ones.
 * @throws GenerationError when the generation is gone, or did not pass the live one.
 */
export async function promoteGeneration(client: Client, options: PromoteOptions): Promise<Promotion> {
  const { name, schemaName, settle, io = noIoSteps } = options;
  await io.step('generation.promote:before');
  const promotion = await inTransaction(client, async () => {
    const { rows: lives } = await client.query<{ schema_name: string; position: string }>(
      `SELECT schema_name, position FROM projections WHERE name = $1 AND status = 'live' FOR UPDATE`,
      [name],
    );
    const live = lives[0];
    if (live === undefined) throw new ProjectionMissingError(`There is no live projection ${name}.`);
    await settle(BigInt(live.position));
    await io.step('generation.flip:before');
    const { rows: built } = await client.query<{ position: string; halted_position: string | null }>(
      `SELECT position, halted_position FROM projections
       WHERE name = $1 AND schema_name = $2 AND status = 'building' FOR UPDATE`,
      [name, schemaName],
    );
    const next = built[0];
    if (next === undefined) throw new GenerationError(`${schemaName} is not being built any more.`);
    if (next.halted_position !== null || BigInt(next.position) < BigInt(live.position)) {
      throw new GenerationError(`${schemaName} stands at ${next.position}, behind the live one.`);
    }
    await client.query(`UPDATE projections SET status = 'retired' WHERE name = $1 AND schema_name = $2`, [
      name,
      live.schema_name,
    ]);
    await client.query(`UPDATE projections SET status = 'live' WHERE name = $1 AND schema_name = $2`, [
      name,
      schemaName,
    ]);
    await client.query(`UPDATE ledger_epoch SET epoch = gen_random_uuid()`);
    return { retired: live.schema_name, live: schemaName, position: BigInt(next.position) };
  });
  await io.step('generation.promote:after');
  return promotion;
}

/**
 * Drops a generation that is not live, tables and row in one transaction, once every transaction is over that began
 * while it may have been live: a reader's snapshot may be older than the promotion.
 * @returns false when such transactions went on for `patienceMs`; the generation stays as it is then.
 * @throws GenerationError when it is live, or somebody builds it at this moment.
 */
export async function dropGeneration(
  client: Client,
  name: string,
  schemaName: string,
  patienceMs = 10_000,
): Promise<boolean> {
  if (!(await outlast(client, patienceMs))) return false;
  try {
    await inTransaction(client, async () => {
      await client.query(`SET LOCAL lock_timeout = '5s'`);
      await client.query(LOCK, [GENERATIONS_LOCK_CLASS, name]);
      await removeGeneration(client, name, schemaName);
    });
  } catch (error) {
    // Somebody reads it all the same, a backup for instance.
    if (error instanceof Error && 'code' in error && error.code === '55P03') return false;
    throw error;
  }
  return true;
}

async function removeGeneration(client: ClientBase, name: string, schemaName: string): Promise<void> {
  const { rows } = await client.query<{ free: boolean }>(
    `SELECT pg_try_advisory_xact_lock($1::int, hashtext($2)) AS free`,
    [ELECTION_LOCK_CLASS, electionName(name, schemaName)],
  );
  if (rows[0]?.free !== true) {
    throw new GenerationError(`Somebody is building ${schemaName} at this moment.`, {
      hint: 'End that command first; it can be gone on with, or dropped, at any time.',
    });
  }
  const { rowCount } = await client.query(
    `DELETE FROM projections WHERE name = $1 AND schema_name = $2 AND status <> 'live'`,
    [name, schemaName],
  );
  if (rowCount !== 1) {
    throw new GenerationError(`There is no generation ${schemaName} of ${name} that could be dropped.`, {
      hint: 'The live one cannot be: promote another one first.',
    });
  }
  await client.query(`DROP SCHEMA ${client.escapeIdentifier(schemaName)} CASCADE`);
}

const OLD_TRANSACTIONS = `
  SELECT pid || ' ' || xact_start AS transaction FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND backend_xmin IS NOT NULL AND xact_start IS NOT NULL`;

/** Waits until no transaction is under way any more that is under way now. */
async function outlast(client: Queryable, patienceMs: number): Promise<boolean> {
  const until = performance.now() + patienceMs;
  const under = async (): Promise<string[]> => {
    const query = (client as Pick<ClientBase, 'query'>).query<{ transaction: string }>(OLD_TRANSACTIONS);
    return (await query).rows.map(({ transaction }) => transaction);
  };
  let old = new Set(await under());
  while (old.size > 0) {
    if (performance.now() > until) return false;
    await pause(50);
    old = new Set((await under()).filter((transaction) => old.has(transaction)));
  }
  return true;
}

async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
