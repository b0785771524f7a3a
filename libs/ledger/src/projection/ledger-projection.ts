import { type StoredEvent } from '@quipu/contracts';
import {
  type CommittedAt,
  type PreparedBatch,
  type ProjectionHandler,
  type Statement,
} from '@quipu/projection-engine';
import { type ClientBase, type Pool, type QueryConfig } from 'pg';
import { KIND_CODES } from '../entities/index.js';
import {
  LEDGER_1,
  LEDGER_PROJECTION,
  LEDGER_VERSION,
  type LedgerSchema,
  parseLedgerSchema,
} from '../schema.js';
import { readEntities, type StoredEntityRow } from '../sql/read-entities.js';
import { type LatestQuarterRow, readLatestQuarters } from '../sql/read-latest-quarters.js';
import { type EntityRow, insertEntities, updateEntities } from '../sql/write-entities.js';
import { ContributionBatch, type SumWrites } from '../storage/batch-writes.js';
import { LevelBatch } from '../storage/level-batch.js';
import { type UsageKey, UsageKeyCache } from '../storage/usage-keys.js';
import { type TotalsDelta } from '../totals/totals-delta.js';
import { canReseed, codeHash } from './code-hash.js';
import { type CachedEntity, EntityCache } from './entity-cache.js';
import {
  applyLink,
  contributionsNow,
  type LinkChange,
  mergeEvent,
  type RoutedEvent,
  routeEvents,
  touch,
  type TouchedEntity,
} from './fold.js';
import { reseedSums } from './reseed-sums.js';

/** A folded batch of the ledger. */
export interface LedgerBatch extends PreparedBatch, TotalsDelta {
  readonly entities: readonly CachedEntity[];
  readonly newKeys: SumWrites['newKeys'];
}

/** Where the totals of committed batches are mirrored; never throws, bounded time. */
export interface TotalsMirror {
  committed(delta: TotalsDelta, at: CommittedAt): Promise<void>;
  idle(at: { position: bigint; epoch: string }): Promise<void>;
}

/** What a {@link LedgerProjection} needs. */
export interface LedgerProjectionOptions {
  /** Reads states by primary key; its sessions should not let the planner choose by statistics. */
  readonly reader: Pool;
  readonly mirror: TotalsMirror | null;
}

/** How many events are folded between two looks at the sockets: Postgres should not wait for this process. */
const FOLD_SLICE = 16;

/**
 * The ledger projection: entity states, and the sums of what they contribute (docs/semantics.md).
 *
 * `prepare` may run while the batch before it is being written. What that batch touched is pinned in the cache, so
 * the tables, which do not show it yet, are only asked for entities that no batch under way has touched.
 */
export class LedgerProjection implements ProjectionHandler<LedgerBatch> {
  readonly name = LEDGER_PROJECTION;
  readonly version = LEDGER_VERSION;
  private schema: LedgerSchema = LEDGER_1;
  private readonly entities = new EntityCache();
  private readonly keys = new UsageKeyCache();
  private readonly levels = new LevelBatch(this.keys);

  constructor(private readonly options: LedgerProjectionOptions) {}

  get tables(): readonly string[] {
    return ['entities', 'amounts', 'members', 'usage_keys', 'changes', 'level_buckets'].map(
      (table) => `${this.schema}.${table}`,
    );
  }

  codeHash(): string {
    return codeHash();
  }

  canReseed(storedHash: string): boolean {
    return canReseed(storedHash);
  }

  async prepare(events: readonly StoredEvent[]): Promise<LedgerBatch> {
    // Only here: a batch that is being folded counts on what it loaded, one that is being written is pinned.
    this.entities.trim();
    this.keys.trim();
    const routed = routeEvents(events);
    await this.load(routed.map(({ key, name }) => ({ key, name })));
    const touched = new Map<string, TouchedEntity>();
    const links: LinkChange[] = [];
    for (let i = 0; i < routed.length; i++) {
      const next = routed[i]!;
      mergeEvent(this.touched(touched, next.name, next.position), next, links);
      if (i % FOLD_SLICE === FOLD_SLICE - 1) await breathe();
    }
    await this.load(links.map(({ link, targetName }) => ({ key: link.target, name: targetName })));
    for (const change of links) applyLink(this.touched(touched, change.targetName, change.position), change);
    return this.write([...touched.values()]);
  }

  async committed(batch: LedgerBatch, at: CommittedAt): Promise<void> {
    for (const entity of batch.entities) entity.pins -= 1;
    for (const key of batch.newKeys) key.stored = true;
    await this.options.mirror?.committed(batch, at);
  }

  async idle(at: { position: bigint; epoch: string }): Promise<void> {
    await this.options.mirror?.idle(at);
  }

  attach(schemaName: string): void {
    this.schema = parseLedgerSchema(schemaName);
    this.dropCaches();
  }

  dropCaches(): void {
    this.entities.clear();
    this.keys.clear();
  }

  /** Deletes, because TRUNCATE would show readers whose snapshot is older empty tables under their checkpoint. */
  async truncate(tx: ClientBase): Promise<void> {
    for (const table of this.tables) await tx.query(`DELETE FROM ${table}`);
  }

  async reseed(tx: ClientBase, progress: (entities: number) => void): Promise<void> {
    await reseedSums(tx, this.schema, progress);
  }

  /** Brings the named entities into the cache; absent ones as empty. */
  private async load(wanted: readonly Pick<RoutedEvent, 'key' | 'name'>[]): Promise<void> {
    const missing = new Map<string, CachedEntity>();
    for (const { key, name } of wanted) {
      if (this.entities.has(name) || missing.has(name)) continue;
      missing.set(name, { key, json: null, stored: false, pins: 0 });
    }
    if (missing.size === 0) return;
    const entries = [...missing.values()];
    const keys = entries.map(({ key }) => ({ tenant: key.tenant, kind: KIND_CODES[key.kind], id: key.id }));
    const { rows } = await this.options.reader.query<StoredEntityRow>(
      this.ofSchema(readEntities(this.schema, keys)),
    );
    for (const row of rows) {
      const entry = entries[Number(row.ord) - 1]!;
      entry.json = row.state;
      entry.stored = true;
    }
    for (const [name, entry] of missing) this.entities.add(name, entry);
  }

  /** Learns which quarter-hours the keys have; from then on the keys follow what batches add. */
  private async loadLatest(keys: readonly UsageKey[]): Promise<void> {
    if (keys.length === 0) return;
    const { rows } = await this.options.reader.query<LatestQuarterRow>(
      this.ofSchema(readLatestQuarters(this.schema, keys)),
    );
    for (const key of keys) key.latest.fill(-Infinity);
    for (const row of rows) keys[Number(row.ord) - 1]!.latest[row.level_group - 1] = Number(row.bucket);
  }

  /** The reader's sessions outlive a promotion, and a session prepares one text under one name. */
  private ofSchema(query: QueryConfig): QueryConfig {
    return { ...query, name: `${this.schema}.${query.name}` };
  }

  private touched(touched: Map<string, TouchedEntity>, name: string, position: bigint): TouchedEntity {
    let found = touched.get(name);
    if (found === undefined) {
      const entity = this.entities.get(name)!;
      found = touch(entity, position);
      entity.pins += 1;
      touched.set(name, found);
    }
    return found;
  }

  private async write(touched: readonly TouchedEntity[]): Promise<LedgerBatch> {
    // A batch that could not be folded left its changes behind.
    this.levels.clear();
    const sums = new ContributionBatch(this.levels);
    const inserts: EntityRow[] = [];
    const updates: EntityRow[] = [];
    for (let i = 0; i < touched.length; i++) {
      const one = touched[i]!;
      const { entity } = one;
      sums.replace(one.before, contributionsNow(one));
      const state = JSON.stringify(one.state);
      this.entities.put(entity, state);
      (entity.stored ? updates : inserts).push({
        tenant: entity.key.tenant,
        kind: KIND_CODES[entity.key.kind],
        id: entity.key.id,
        state,
        lastPosition: Number(one.lastPosition),
      });
      entity.stored = true;
      if (i % FOLD_SLICE === FOLD_SLICE - 1) await breathe();
    }
    await this.loadLatest(sums.net());
    const { schema } = this;
    const statements: Statement[] = [];
    if (inserts.length > 0) statements.push(insertEntities(schema, inserts));
    if (updates.length > 0) statements.push(updateEntities(schema, updates));
    const written = sums.finish(schema);
    return {
      entities: touched.map(({ entity }) => entity),
      statements: [...statements, ...written.statements],
      amounts: written.amounts,
      members: written.members,
      newKeys: written.newKeys,
    };
  }
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
