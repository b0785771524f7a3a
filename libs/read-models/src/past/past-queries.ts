import type { Scope } from '@quipu/access';
import { LogArchive } from '@quipu/event-log';
import { levelSums } from '@quipu/ledger';
import { TenantForbiddenError } from '@quipu/platform';
import type { Pool } from 'pg';
import { type DepthAnswer, type DepthFilters, DepthQueries } from '../depth/depth-queries.js';
import { withinScope } from '../scoped-filters.js';
import { Parameters } from '../statement.js';
import {
  coveringGrain,
  keyCondition,
  LEVELS,
  type LevelName,
  type UsageFilters,
} from '../usage/dimensions.js';
import {
  type LevelQuery,
  type UsageAnswer,
  type UsageGroup,
  UsageQueries,
  type UsageQuery,
} from '../usage/usage-queries.js';
import { DepthCorrection, type OldestRow, untouchedOldest } from './depth-correction.js';
import { inLedgerSnapshot, type LedgerSnapshot } from './ledger-snapshot.js';
import { positionAt, recordedAt } from './log-times.js';
import { refuseArchived } from './refuse-archived.js';
import { touchedEntities } from './touched-entities.js';
import { boundariesOf, UsageCorrection } from './usage-correction.js';

/** Levels whose past can be asked: those of jobs and nodes. What workers did is told as it is known now. */
export type PastLevel = Exclude<LevelName, 'busy' | 'idle' | 'offline'>;

/** A question whose level has a past. */
export type Past<T> = T & { readonly level: PastLevel };

/**
 * What the ledger said when it had seen the log up to a position and nothing after it: the number now, minus what the
 * entities that changed since contribute now, plus what they contributed then. Costs as much as there were events
 * since. A position beyond the checkpoint stands for the checkpoint.
 *
 * All answers about a position throw ArchivedPositionError when events after it are archived.
 */
export class PastQueries {
  /** @param archive where archived parts of the log are. */
  constructor(
    private readonly pool: Pool,
    private readonly archive: LogArchive = new LogArchive(null),
  ) {}

  /** The position of the last event recorded at or before `time` (ms); 0 if there is none. */
  positionAt(time: number): Promise<bigint> {
    return positionAt(this.pool, this.archive, time);
  }

  /** When the last event up to `position` was recorded, ms; null if there is none. */
  recordedAt(position: bigint): Promise<number | null> {
    return recordedAt(this.pool, this.archive, position);
  }

  /**
   * `UsageQueries.usage` as of a position. Without a `start` the window begins at the earliest change that is known
   * now or was known then.
   * @throws TenantForbiddenError, InvalidTimeRangeError as usage does.
   */
  async usage(scope: Scope, query: Past<UsageQuery>, position: bigint): Promise<UsageAnswer> {
    const filters = withinScope(scope, query.filters ?? {});
    const owner = withinScope(scope, {});
    return inLedgerSnapshot(
      this.pool,
      async (snapshot) => {
        const queries = new UsageQueries(this.pool);
        const at = least(position, snapshot.position);
        const asked = { ...query };
        if (query.start === undefined) {
          const now = await queries.earliestStart(scope, query.level, query.now, snapshot.client);
          const earliest = least2(now, await this.earliestThen(snapshot, at, query.level, owner));
          if (earliest === null) {
            return { ...(await queries.usage(scope, query, snapshot.client)), position: at };
          }
          asked.start = earliest;
        }
        const answer = await queries.usage(scope, asked, snapshot.client);
        const groupBy = query.groupBy ?? [];
        const cut = Math.min(answer.end, query.now);
        const instants = boundariesOf(answer.buckets, cut);
        const correction = new UsageCorrection({ level: query.level, filters, groupBy, instants }, owner);
        for await (const entities of touchedEntities(snapshot, at, { level: query.level, filters })) {
          for (const entity of entities) correction.add(entity);
        }
        const corrections = correction.integrals().map(({ group, values }) => ({
          group,
          values: answer.buckets.map((_, i) => (values[i + 1] ?? 0n) - (values[i] ?? 0n)),
        }));
        const rows = corrected(answer.rows, corrections, groupBy);
        const changes = (await changesNow(snapshot, query.level, filters)) + correction.changes;
        return { ...answer, position: at, present: changes > 0n, rows };
      },
      { archive: this.archive },
    );
  }

  /** `UsageQueries.levels` as of a position. */
  async levels(
    scope: Scope,
    query: Past<LevelQuery>,
    position: bigint,
  ): Promise<{ position: bigint; rows: UsageGroup[] }> {
    const filters = withinScope(scope, query.filters ?? {});
    return inLedgerSnapshot(
      this.pool,
      async (snapshot) => {
        const at = least(position, snapshot.position);
        const answer = await new UsageQueries(this.pool).levels(scope, query, snapshot.client);
        const groupBy = query.groupBy ?? [];
        const points = query.at.map((t) => Math.min(t, query.now));
        const instants = [...new Set(points)].sort((a, b) => a - b);
        const correction = new UsageCorrection({ level: query.level, filters, groupBy, instants }, filters);
        for await (const entities of touchedEntities(snapshot, at, { level: query.level, filters })) {
          for (const entity of entities) correction.add(entity);
        }
        const corrections = correction.levels().map(({ group, values }) => ({
          group,
          values: points.map((point) => values[instants.indexOf(point)] ?? 0n),
        }));
        return { position: at, rows: corrected(answer.rows, corrections, groupBy) };
      },
      { archive: this.archive },
    );
  }

  /**
   * `DepthQueries.depth` as of a position: what the jobs known then were doing, with what is due told by `now` (ms).
   * @throws TenantForbiddenError as depth does.
   */
  async depth(scope: Scope, now: number, filters: DepthFilters, position: bigint): Promise<DepthAnswer> {
    if (scope.kind === 'user') {
      throw new TenantForbiddenError('Queue depth is counted per tenant: it needs an admin of the tenant.');
    }
    const owner = withinScope<{ tenant?: string }>(
      scope,
      filters.tenant === undefined ? {} : { tenant: filters.tenant },
    );
    return inLedgerSnapshot(
      this.pool,
      async (snapshot) => {
        const { client, schema, position: head, archived } = snapshot;
        const at = least(position, head);
        const answer = await new DepthQueries(this.pool, null).depth(scope, now, owner, client);
        if (schema === null || at === head) return { ...answer, rows: ofQueue(answer.rows, filters) };
        refuseArchived(archived, at);
        const { text, values } = untouchedOldest(schema, {
          ...{ now, position: at, head },
          tenant: owner.tenant ?? null,
        });
        const oldest = await client.query<OldestRow>(text, values);
        const correction = new DepthCorrection(now, answer.rows, oldest.rows);
        for await (const entities of touchedEntities(snapshot, at, { level: null, filters: owner })) {
          for (const entity of entities) correction.add(entity);
        }
        return { ...answer, position: at, rows: ofQueue(correction.finish(), filters) };
      },
      { archive: this.archive },
    );
  }

  private async earliestThen(
    snapshot: LedgerSnapshot,
    position: bigint,
    level: LevelName,
    owner: UsageFilters,
  ): Promise<number | null> {
    const correction = new UsageCorrection({ level, filters: owner, groupBy: [], instants: [] }, owner);
    for await (const entities of touchedEntities(snapshot, position, { level, filters: owner })) {
      for (const entity of entities) correction.add(entity);
    }
    return correction.earliestThen;
  }
}

/** How many level changes match the filters now. */
async function changesNow(
  { client, schema }: LedgerSnapshot,
  level: LevelName,
  filters: UsageFilters,
): Promise<bigint> {
  if (schema === null) return 0n;
  const params = new Parameters();
  const { rows } = await client.query<{ n: string }>(
    `SELECT coalesce(sum(x.n), 0) AS n FROM ${schema}.usage_keys k CROSS JOIN LATERAL (
       SELECT sum(s.n) AS n FROM ${levelSums(schema, LEVELS[level])} s
        WHERE s.key_id = k.key_id AND s.bucket_kind = 3 OFFSET 0) x
      WHERE ${keyCondition('k', coveringGrain(filters, []), filters, params)}`,
    params.values,
  );
  return BigInt(rows[0]?.n ?? 0);
}

/** Adds corrections to rows, group by group; in the order of usage, groups of zeros left out where there are groups. */
function corrected(
  rows: readonly UsageGroup[],
  corrections: readonly { group: UsageGroup['group']; values: bigint[] }[],
  groupBy: readonly (keyof UsageGroup['group'])[],
): UsageGroup[] {
  const nameOf = (group: UsageGroup['group']): string =>
    JSON.stringify(groupBy.map((name) => group[name] ?? null));
  const found = new Map(rows.map((row) => [nameOf(row.group), { group: row.group, values: row.values }]));
  for (const { group, values } of corrections) {
    const name = nameOf(group);
    const known = found.get(name)?.values;
    found.set(name, { group, values: values.map((value, i) => value + (known?.[i] ?? 0n)) });
  }
  const all = [...found.values()].map(({ group, values }) => ({
    group,
    values,
    total: values.reduce((a, b) => a + b, 0n),
  }));
  if (groupBy.length === 0) return all;
  const keyOf = (row: UsageGroup): string => groupBy.map((name) => row.group[name] ?? '').join('\u0000');
  return all
    .filter((row) => row.values.some((value) => value !== 0n))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function ofQueue<R extends { queue: string }>(rows: readonly R[], { queue }: DepthFilters): R[] {
  return rows.filter((row) => queue === undefined || row.queue === queue);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function least2(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
