import { type PoolClient } from 'pg';
import { type RedisMember, type RedisTotal } from '../verify/redis-dump.js';

/** A series whose total in Redis is not that of Postgres. */
export interface SeriesDrift {
  readonly kind: 'amount' | 'members';
  readonly family: string;
  readonly tenant: string;
  /** The labels, as JSON. */
  readonly series: string;
  readonly postgres: string;
  readonly redis: string;
}

/** What a comparison found. */
export interface Comparison {
  /** Series that either side has. */
  readonly series: number;
  readonly drifts: readonly SeriesDrift[];
}

const CHUNK = 10_000;

/** Compares what Redis held with amounts and members of `schema`, inside the snapshot of the same position. */
export async function compareTotals(
  client: PoolClient,
  schema: string,
  redis: { totals: readonly RedisTotal[]; members: readonly RedisMember[] },
): Promise<Comparison> {
  const amounts = await compareAmounts(client, schema, redis.totals);
  const members = await compareMembers(client, schema, redis.members);
  return { series: amounts.series + members.series, drifts: [...amounts.drifts, ...members.drifts] };
}

async function compareAmounts(
  client: PoolClient,
  schema: string,
  totals: readonly RedisTotal[],
): Promise<Comparison> {
  const left = new Map(totals.map((total) => [keyOf(total.family, total.tenant, total.labels), total]));
  const drifts: SeriesDrift[] = [];
  let series = 0;
  const query = `SELECT family, tenant, labels, value FROM ${schema}.amounts`;
  for await (const row of rowsOf<RedisTotal>(client, query)) {
    series += 1;
    const key = keyOf(row.family, row.tenant, row.labels);
    const found = left.get(key);
    left.delete(key);
    if (found?.value !== row.value) drifts.push(amountDrift(row, row.value, found?.value ?? 'none'));
  }
  for (const extra of left.values()) drifts.push(amountDrift(extra, 'none', extra.value));
  return { series: series + left.size, drifts };
}

function amountDrift({ family, tenant, labels }: RedisTotal, postgres: string, redis: string): SeriesDrift {
  return { kind: 'amount', family, tenant, series: labels, postgres, redis };
}

/** How the members of one set differ. */
interface SetDrift {
  readonly of: { family: string; tenant: string; labels: string };
  inPostgres: number;
  inRedis: number;
  differing: number;
}

async function compareMembers(
  client: PoolClient,
  schema: string,
  members: readonly RedisMember[],
): Promise<Comparison> {
  const sets = new Map<string, SetDrift>();
  const setOf = ({ family, tenant, labels }: Omit<RedisMember, 'member' | 'score'>): SetDrift => {
    const key = keyOf(family, tenant, labels);
    let set = sets.get(key);
    if (set === undefined) {
      set = { of: { family, tenant, labels }, inPostgres: 0, inRedis: 0, differing: 0 };
      sets.set(key, set);
    }
    return set;
  };
  const left = new Map<string, RedisMember>();
  for (const member of members) {
    setOf(member).inRedis += 1;
    left.set(keyOf(member.family, member.tenant, member.labels, member.member), member);
  }
  const query = `SELECT family, tenant, labels, member, score FROM ${schema}.members`;
  for await (const row of rowsOf<RedisMember>(client, query)) {
    const set = setOf(row);
    set.inPostgres += 1;
    const key = keyOf(row.family, row.tenant, row.labels, row.member);
    if (left.get(key)?.score !== row.score) set.differing += 1;
    left.delete(key);
  }
  for (const extra of left.values()) setOf(extra).differing += 1;
  const drifts = [...sets.values()].filter(({ differing }) => differing > 0).map(memberDrift);
  return { series: sets.size, drifts };
}

function memberDrift({ of, inPostgres, inRedis, differing }: SetDrift): SeriesDrift {
  const { family, tenant, labels } = of;
  return {
    ...{ kind: 'members', family, tenant, series: labels },
    ...{ postgres: `${inPostgres} members`, redis: `${inRedis} members, ${differing} differ` },
  };
}

function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}

async function* rowsOf<R extends object>(client: PoolClient, query: string): AsyncGenerator<R> {
  await client.query(`DECLARE compared NO SCROLL CURSOR FOR ${query}`);
  for (;;) {
    const { rows } = await client.query<R>(`FETCH ${CHUNK} FROM compared`);
    yield* rows;
    if (rows.length < CHUNK) break;
  }
  await client.query('CLOSE compared');
}
