import type { Scope } from '@quipu/access';
import { LogArchive } from '@quipu/event-log';
import type { EntityKey, LedgerSchema } from '@quipu/ledger';
import type { Pool } from 'pg';
import { chunksOf } from '../past/cursor.js';
import { entityCondition } from '../past/entity-condition.js';
import { keyOf } from '../past/entity-row.js';
import { inLedgerSnapshot, type LedgerSnapshot } from '../past/ledger-snapshot.js';
import { refold } from '../past/refold.js';
import { withinScope } from '../scoped-filters.js';
import { Parameters } from '../statement.js';
import type { UsageFilters } from '../usage/dimensions.js';
import { eventsBehind, type WhyEvent } from './events-behind.js';
import { type Measure, measureKind } from './measures.js';
import { TopItems, type WhyPlace } from './top-items.js';
import { itemsOf, type WhyItem, type WhyWindow } from './why-item.js';

/** A question for the reasons of a number. All times are ms. */
export interface WhyQuery {
  readonly measure: Measure;
  /** The instant of asking: nothing accrues after it. */
  readonly now: number;
  /** Of the `_seconds` measures. Default: from the beginning on. */
  readonly start?: number;
  /** Of the `_seconds` measures. Default: `now`. */
  readonly end?: number;
  /** Of the counts: the instant they are counted at. Default, and latest: `now`. */
  readonly at?: number;
  readonly filters?: UsageFilters;
  /** What the ledger said when it had seen the log up to here; default and latest: the checkpoint. */
  readonly position?: bigint;
  /** Most items of a page; default 100. */
  readonly limit?: number;
  /** The page begins after this place. */
  readonly after?: WhyPlace;
  /** Also read the events behind each item. */
  readonly events?: boolean;
}

/** An item, and the events it rests on, in the order of the log. */
export interface ExplainedItem extends WhyItem {
  readonly events: readonly WhyEvent[] | null;
}

/** Why a number is what it is: the number, and a page of what it is the sum of. */
export interface WhyAnswer {
  readonly position: bigint;
  /** The instant the answer stands at, ms: the query's `now`. */
  readonly asOf: number;
  readonly window: WhyWindow;
  /** The number: the sum over all pages, level·milliseconds for the `_seconds` measures, else a count. */
  readonly total: bigint;
  /** How much of it comes from intervals whose end is an estimate. */
  readonly estimatedTotal: bigint;
  /** How many entities and how many of their intervals add up to it. */
  readonly entities: number;
  readonly intervals: number;
  /** Largest first. */
  readonly items: ExplainedItem[];
  /** Where the next page begins; null on the last. Ask with the same `now` and `position`. */
  readonly next: WhyPlace | null;
}

/** A contributing entity, as {@link WhyQueries.contributors} streams them. */
export interface Contributor {
  readonly key: EntityKey;
  readonly state: unknown;
  readonly items: readonly WhyItem[];
}

/** Where {@link WhyQueries.contributors} puts what it finds. */
export interface ContributorSink {
  begin(window: WhyWindow, position: bigint): Promise<void>;
  take(contributors: readonly Contributor[], snapshot: LedgerSnapshot, position: bigint): Promise<void>;
}

const LIMIT = 100;
const CHUNK = 1_000;

/**
 * Explains numbers: reads the states of the entities that may contribute, and lists the intervals that do. Costs as
 * much as there are entities in the filters, memory as much as there are items on a page. The sum over all pages is
 * what usage (or depth) answers at the same position and instant.
 */
export class WhyQueries {
  /** @param archive where archived parts of the log are. */
  constructor(
    private readonly pool: Pool,
    private readonly archive: LogArchive = new LogArchive(null),
  ) {}

  /** One page. @throws TenantForbiddenError if a filter lies outside the scope. */
  async why(scope: Scope, query: WhyQuery): Promise<WhyAnswer> {
    const window = windowOf(scope, query);
    return inLedgerSnapshot(
      this.pool,
      async (snapshot) => {
        const position = positionOf(snapshot, query);
        const top = new TopItems(query.limit ?? LIMIT, query.after ?? null);
        const sum = { total: 0n, estimatedTotal: 0n, entities: 0, intervals: 0 };
        for await (const contributors of contributorsOf(snapshot, window, position)) {
          for (const { state, items } of contributors) {
            sum.entities += 1;
            sum.intervals += items.length;
            for (const item of items) {
              sum.total += item.amount;
              if (item.estimated) sum.estimatedTotal += item.amount;
              top.add(item, state);
            }
          }
        }
        const { items, next } = top.finish();
        const events = query.events ? await eventsBehind(snapshot, items, position) : null;
        return {
          ...{ position, asOf: query.now, window, ...sum, next },
          items: items.map(({ item }, i) => ({ ...item, events: events?.[i] ?? null })),
        };
      },
      { archive: this.archive },
    );
  }

  /**
   * Streams every contributing entity to `to`, in one snapshot, in no order: for exports, which have no pages.
   * @returns the position the answer stands at.
   */
  async contributors(scope: Scope, query: WhyQuery, to: ContributorSink): Promise<{ position: bigint }> {
    const window = windowOf(scope, query);
    const stream = async (snapshot: LedgerSnapshot): Promise<{ position: bigint }> => {
      const position = positionOf(snapshot, query);
      await to.begin(window, position);
      for await (const contributors of contributorsOf(snapshot, window, position)) {
        if (contributors.length > 0) await to.take(contributors, snapshot, position);
      }
      return { position };
    };
    // What has been taken cannot be taken back: a promotion in the midst of it ends it.
    return inLedgerSnapshot(this.pool, stream, { attempts: 1, archive: this.archive });
  }
}

function windowOf(scope: Scope, query: WhyQuery): WhyWindow {
  return {
    measure: query.measure,
    filters: withinScope(scope, query.filters ?? {}),
    start: query.start ?? null,
    end: Math.min(query.end ?? query.now, query.now),
    at: Math.min(query.at ?? query.now, query.now),
  };
}

function positionOf(snapshot: LedgerSnapshot, { position }: WhyQuery): bigint {
  return position !== undefined && position < snapshot.position ? position : snapshot.position;
}

interface EntityRow {
  tenant: string;
  kind: number;
  id: string;
  state: string;
  last_position: string;
}

/** The entities that contribute as of a position, chunk by chunk. */
async function* contributorsOf(
  snapshot: LedgerSnapshot,
  window: WhyWindow,
  position: bigint,
): AsyncGenerator<Contributor[]> {
  if (snapshot.schema === null) return;
  const { text, values } = candidates(snapshot.schema, window);
  for await (const rows of chunksOf<EntityRow>(snapshot.client, text, values, CHUNK)) {
    const keys = rows.map(keyOf);
    const changed = rows.flatMap((row, i) => (BigInt(row.last_position) > position ? [i] : []));
    const refolded = await refold(
      snapshot,
      changed.map((i) => keys[i]!),
      position,
    );
    const then = new Map(changed.map((i, at) => [i, refolded[at]]));
    const found = rows.map((row, i): Contributor => {
      const state: unknown = then.has(i) ? then.get(i) : JSON.parse(row.state);
      return { key: keys[i]!, state, items: itemsOf(keys[i]!, state, window) };
    });
    yield found.filter(({ items }) => items.length > 0);
  }
}

/** Facts are only ever added, so what an entity's state says now contains what it said at any earlier position. */
function candidates(
  schema: LedgerSchema,
  { measure, filters }: WhyWindow,
): { text: string; values: unknown[] } {
  const kind = measureKind(measure);
  const params = new Parameters();
  const level = kind.kind === 'depth' ? null : kind.level;
  const condition = entityCondition('e', { level, filters }, params);
  return {
    text: `SELECT e.tenant, e.kind, e.id, e.state::text AS state, e.last_position FROM ${schema}.entities e WHERE ${condition}`,
    values: params.values,
  };
}
