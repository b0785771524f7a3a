import type { PoolClient } from 'pg';
import type { DifferenceList } from './difference-list.js';
import { LEVEL_CODES } from './expected-writer.js';
import type { Conservation, SlotTime } from './report.js';

const LEVELS = ['busy', 'idle', 'offline'] as const;
const CODES = LEVELS.map((level) => LEVEL_CODES[level]);
/** What level sums are kept by; each kind must conserve on its own. */
const BUCKETS = [
  [1, 'quarter-hours'],
  [2, 'days'],
  [3, 'months'],
] as const;
const DAY_MS = 86_400_000;

/** What grows by `rate` each ms: `base + rate · t` at `t`, after its last change. */
interface Line {
  readonly base: bigint;
  readonly rate: bigint;
}

const NOTHING: Line = { base: 0n, rate: 0n };

/**
 * Checks, for each tenant and the platform, that the stored sums of the levels busy, idle and offline come to the amount
 * that accrues while workers are registered: at the time of the snapshot, at their last change and a day after both. Two
 * instants would do, because all of them grow steadily from the last change on. No sum of the naive fold is in it.
 */
export async function checkConservation(
  client: PoolClient,
  nowMs: number,
  found: DifferenceList,
): Promise<Conservation> {
  const levels = await readLevels(client);
  const registered = await readRegistered(client);
  const last = await lastChange(client);
  const instants = [...new Set([nowMs, last ?? nowMs, Math.max(nowMs, last ?? nowMs) + DAY_MS])];
  const tenants = new Set([...registered.keys(), ...levels.keys()].map(tenantOf));
  let compared = 0;
  for (const tenant of tenants) {
    const due = registered.get(JSON.stringify([tenant])) ?? NOTHING;
    for (const [kind, buckets] of BUCKETS) {
      for (const at of instants) {
        compared += 1;
        const time = slotTime(levels, tenant, kind, due, at);
        const sum = time.busyMs + time.idleMs + time.offlineMs;
        if (sum === time.registeredMs) continue;
        const scope = tenant === null ? 'the platform' : `tenant=${tenant}`;
        found.add({
          kind: 'conservation',
          key: `${scope} at=${new Date(at).toISOString()} by ${buckets}`,
          expected: `${time.registeredMs} ms registered`,
          found: `${time.busyMs} ms busy + ${time.idleMs} ms idle + ${time.offlineMs} ms offline = ${sum} ms`,
        });
      }
    }
  }
  const platform = slotTime(levels, null, 1, registered.get(JSON.stringify([null])) ?? NOTHING, nowMs);
  return {
    compared,
    tenants: tenants.size - (tenants.has(null) ? 1 : 0),
    at: instants.map((at) => new Date(at).toISOString()),
    platform: {
      busyMs: String(platform.busyMs),
      idleMs: String(platform.idleMs),
      offlineMs: String(platform.offlineMs),
      registeredMs: String(platform.registeredMs),
    },
  };
}

/** What the slots of a tenant (null: of everybody) were up to `at`. */
function slotTime(
  levels: ReadonlyMap<string, Line>,
  tenant: string | null,
  kind: number,
  due: Line,
  at: number,
): SlotTime<bigint> {
  const [busyMs = 0n, idleMs = 0n, offlineMs = 0n] = CODES.map((code) =>
    valueAt(levels.get(JSON.stringify([tenant, kind, code])) ?? NOTHING, at),
  );
  return { busyMs, idleMs, offlineMs, registeredMs: valueAt(due, at) };
}

function valueAt({ base, rate }: Line, at: number): bigint {
  return base + rate * BigInt(at);
}

function tenantOf(key: string): string | null {
  return (JSON.parse(key) as [string | null])[0];
}

/** By tenant (null: the platform), bucket kind and level. */
async function readLevels(client: PoolClient): Promise<Map<string, Line>> {
  const { rows } = await client.query<
    { tenant: string | null; bucket_kind: number; level: number } & Record<'base' | 'rate', string>
  >(`
    SELECT k.tenant, s.bucket_kind, s.level, sum(s.d) AS rate, -sum(s.w + s.d::numeric * s.bucket) AS base
    FROM found_sums s JOIN found_keys k USING (key_id)
    WHERE s.level IN (${CODES.join(', ')}) AND k.grain IN (2, 3)
    GROUP BY k.tenant, s.bucket_kind, s.level`);
  return new Map(
    rows.map(({ tenant, bucket_kind: kind, level, base, rate }) => [
      JSON.stringify([tenant, kind, level]),
      { base: BigInt(base), rate: BigInt(rate) },
    ]),
  );
}

/** By tenant (null: the platform). */
async function readRegistered(client: PoolClient): Promise<Map<string, Line>> {
  const { rows } = await client.query<{ tenant: string | null } & Record<'base' | 'rate', string | null>>(`
    SELECT tenant, sum(value) FILTER (WHERE family = 'worker_seconds') AS base,
      sum(value) FILTER (WHERE family = 'worker_seconds:rate') AS rate
    FROM found_amounts
    WHERE family IN ('worker_seconds', 'worker_seconds:rate') AND labels::jsonb->>'state' = 'registered'
    GROUP BY GROUPING SETS ((tenant), ())`);
  return new Map(
    rows.map(({ tenant, base, rate }) => [
      JSON.stringify([tenant]),
      { base: BigInt(base ?? 0), rate: BigInt(rate ?? 0) },
    ]),
  );
}

async function lastChange(client: PoolClient): Promise<number | null> {
  const { rows } = await client.query<{ t: string | null }>(
    `SELECT max(t) AS t FROM found_changes WHERE level IN (${CODES.join(', ')})`,
  );
  const t = rows[0]?.t ?? null;
  return t === null ? null : Number(t);
}
