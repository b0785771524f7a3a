import { randomBytes } from 'node:crypto';
import { type IoSteps, StoreUnavailableError, withTransaction } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { type ChainableCommander, type Redis } from 'ioredis';
import { type Pool, type PoolClient } from 'pg';
import { LEDGER_PROJECTION, parseLedgerSchema } from '../schema.js';
import { swapScript, type SwapOutcome } from './swap-script.js';
import {
  amountField,
  memberSetKey,
  memberSetName,
  MEMBERS_PREFIX,
  membersKey,
  shadowKey,
  TOTALS_KEY,
} from './totals-keys.js';
import { within } from './within.js';

/** What {@link loadTotals} works with. */
export interface LoadTotalsOptions {
  readonly redis: Redis;
  readonly pool: Pool;
  readonly io: IoSteps;
}

/** Where loaded totals stand. */
export interface LoadedTotals {
  readonly position: bigint;
  readonly epoch: string;
}

/** Rows per round trip. */
const CHUNK = 2_000;
/** How long, s, an abandoned load stays in Redis. */
const SHADOW_TTL_S = 3_600;
const COMMAND_TIMEOUT_MS = 10_000;

/**
 * Loads the totals of the live generation from one snapshot of Postgres into keys of their own and swaps them in. Readers see the old totals
 * until the swap; whole totals of the same epoch that stand there
 * by then, or further on, stay.
 * @throws when Postgres or Redis fails, or something went through the loaded keys meanwhile.
 */
export async function loadTotals(options: LoadTotalsOptions): Promise<LoadedTotals> {
  const { redis, pool, io } = options;
  const generation = randomBytes(9).toString('base64url');
  const shadow = shadowKey(generation);
  const counts = { fields: 3, sets: new Set<string>(), members: 0 };
  await io.step('totals.load:before');
  const at = await withTransaction(
    pool,
    async (client) => {
      const checkpoint = await readCheckpoint(client, LEDGER_PROJECTION);
      if (checkpoint === null) throw new StoreUnavailableError('There is no live ledger projection.');
      const { position, epoch } = checkpoint;
      const schema = parseLedgerSchema(checkpoint.schemaName);
      const head = redis.pipeline();
      head.hset(shadow, '@position', String(position), '@epoch', epoch, '@generation', generation);
      head.expire(shadow, SHADOW_TTL_S);
      await send(head);
      await eachChunk<AmountRow>(
        client,
        `SELECT family, tenant, labels, value FROM ${schema}.amounts`,
        async (rows) => {
          counts.fields += rows.length;
          const fields = rows.flatMap((row) => [amountField(row.family, row.tenant, row.labels), row.value]);
          await send(redis.pipeline().hset(shadow, ...fields));
        },
      );
      await eachChunk<MemberRow>(
        client,
        `SELECT family, tenant, labels, member, score FROM ${schema}.members`,
        async (rows) => {
          counts.members += rows.length;
          await send(memberCommands(redis, generation, rows, counts.sets));
        },
      );
      return { position, epoch };
    },
    { isolation: 'repeatable read', readOnly: true },
  );
  await io.step('totals.swap:before');
  const outcome = (await within(
    COMMAND_TIMEOUT_MS,
    'Swapping in loaded totals',
    swapScript.run(
      redis,
      [TOTALS_KEY, shadow, MEMBERS_PREFIX],
      [generation, at.epoch, String(at.position), counts.fields, counts.sets.size, counts.members],
    ),
  )) as SwapOutcome;
  await io.step('totals.swap:after');
  if (outcome === 'torn')
    throw new StoreUnavailableError('Loaded totals were lost before they could be swapped in.');
  return at;
}

interface AmountRow {
  family: string;
  tenant: string;
  labels: string;
  value: string;
}

interface MemberRow {
  family: string;
  tenant: string;
  labels: string;
  member: string;
  score: string;
}

async function eachChunk<R extends object>(
  client: PoolClient,
  query: string,
  work: (rows: R[]) => Promise<void>,
): Promise<void> {
  await client.query(`DECLARE chunk NO SCROLL CURSOR FOR ${query}`);
  for (;;) {
    const { rows } = await client.query<R>(`FETCH ${CHUNK} FROM chunk`);
    if (rows.length > 0) await work(rows);
    if (rows.length < CHUNK) break;
  }
  await client.query('CLOSE chunk');
}

function memberCommands(
  redis: Redis,
  generation: string,
  rows: readonly MemberRow[],
  names: Set<string>,
): ChainableCommander {
  const bySet = new Map<string, string[]>();
  for (const row of rows) {
    const name = memberSetName(row.family, row.tenant, row.labels);
    let entries = bySet.get(name);
    if (entries === undefined) bySet.set(name, (entries = []));
    entries.push(row.score, row.member);
  }
  const commands = redis.pipeline();
  for (const [name, entries] of bySet) {
    names.add(name);
    commands.zadd(memberSetKey(generation, name), ...entries);
    commands.expire(memberSetKey(generation, name), SHADOW_TTL_S);
  }
  commands.sadd(membersKey(generation), ...bySet.keys());
  commands.expire(membersKey(generation), SHADOW_TTL_S);
  return commands;
}

async function send(commands: ChainableCommander): Promise<void> {
  const answers = await within(COMMAND_TIMEOUT_MS, 'Loading totals into Redis', commands.exec());
  if (answers === null) throw new StoreUnavailableError('Redis gave no answer to a pipeline.');
  for (const [error] of answers) if (error !== null) throw error;
}
