import { pgArray } from '@quipu/platform';
import type { PoolClient } from 'pg';
import { canonicalJson } from './canonical.js';
import type { Amount, Contributions, Dimensions, LevelName } from './naive/contributions.js';
import type { Folded, Part } from './naive/entity-fold.js';
import { usageKeysOf, type UsageKey } from './usage-keys.js';

/** How levels are coded in tables. */
export const LEVEL_CODES: Readonly<Record<LevelName, number>> = {
  nodes: 1,
  waiting: 2,
  running: 3,
  busy: 4,
  idle: 5,
  offline: 6,
  nodes_estimated: 7,
  running_estimated: 8,
};

const FLUSH_AT = 10_000;
const KEYS_REMEMBERED = 20_000;

/** A change summed over the entities folded since the last flush. */
interface ChangeSum {
  readonly level: number;
  readonly t: number;
  readonly keyId: string;
  d: bigint;
  n: number;
}

/**
 * Collects the contributions of entity after entity in the temporary tables of the session. Holds at most
 * a few ten thousand sums in memory, whatever the size of the log.
 */
export class ExpectedWriter {
  private readonly amounts = new Map<string, { row: readonly [string, string, string]; value: bigint }>();
  private readonly changes = new Map<string, ChangeSum>();
  private members: (readonly [string, string, string, string, number])[] = [];
  private parts: Part[] = [];
  private newKeys: (readonly [UsageKey, UsageKey, UsageKey, UsageKey])[] = [];
  private readonly keyIds = new Map<string, string>();

  /** @param tables what the names of the tables begin with; usage keys are only written to the expected ones. */
  constructor(
    private readonly client: PoolClient,
    private readonly tables: 'expected' | 'stated' = 'expected',
  ) {}

  /** Adds what the events of one subject come to. */
  add({ contributions, parts }: Folded): void {
    this.addContributions(contributions);
    this.parts.push(...parts);
  }

  /** Adds to one series. */
  addAmount({ family, tenant, labels, value }: Amount): void {
    const row = [family, tenant, canonicalJson(labels)] as const;
    const key = JSON.stringify(row);
    const sum = this.amounts.get(key);
    if (sum === undefined) this.amounts.set(key, { row, value: BigInt(value) });
    else sum.value += BigInt(value);
  }

  /** Adds what one entity contributes. */
  addContributions(contributions: Contributions): void {
    for (const amount of contributions.amounts) this.addAmount(amount);
    for (const { family, tenant, labels, member, score } of contributions.members) {
      this.members.push([family, tenant, canonicalJson(labels), member, score]);
    }
    for (const { level, dims, t, d } of contributions.changes) {
      const keyId = this.keyIdOf(dims);
      const key = `${level} ${t} ${keyId}`;
      const sum = this.changes.get(key);
      if (sum === undefined) {
        this.changes.set(key, { level: LEVEL_CODES[level], t, keyId, d: BigInt(d), n: 1 });
      } else {
        sum.d += BigInt(d);
        sum.n += 1;
      }
    }
  }

  /** Writes what has been collected when it has become much. */
  async flushIfLarge(): Promise<void> {
    const lists = this.members.length + this.parts.length + this.newKeys.length;
    if (lists + this.amounts.size + this.changes.size >= FLUSH_AT) await this.flush();
  }

  /** Writes everything that has been collected. */
  async flush(): Promise<void> {
    const amounts = [...this.amounts.values()];
    await this.insert(`${this.tables}_amounts`, 'text,text,text,numeric', [
      ...[0, 1, 2].map((i) => amounts.map(({ row }) => row[i] ?? null)),
      amounts.map(({ value }) => value),
    ]);
    const changes = [...this.changes.values()];
    await this.insert(`${this.tables}_changes`, 'smallint,bigint,uuid,bigint,bigint', [
      changes.map(({ level }) => level),
      changes.map(({ t }) => t),
      changes.map(({ keyId }) => keyId),
      changes.map(({ d }) => d),
      changes.map(({ n }) => n),
    ]);
    await this.insert(
      `${this.tables}_members`,
      'text,text,text,text,bigint',
      [0, 1, 2, 3, 4].map((i) => this.members.map((row) => row[i] ?? null)),
    );
    await this.insert('parts', 'text,text,text,text', [
      ...(['root', 'tenant', 'id'] as const).map((name) => this.parts.map((part) => part[name])),
      this.parts.map(({ says }) => JSON.stringify(says)),
    ]);
    await this.insertKeys();
    this.amounts.clear();
    this.changes.clear();
    this.members = [];
    this.parts = [];
  }

  private keyIdOf(dims: Dimensions): string {
    const tuple = JSON.stringify(dims);
    const known = this.keyIds.get(tuple);
    if (known !== undefined) return known;
    const keys = usageKeysOf(dims);
    if (this.tables === 'expected') this.newKeys.push(keys);
    // Forgetting a key costs writing it again, which the tables ignore; remembering all of them has no bound.
    if (this.keyIds.size >= KEYS_REMEMBERED) this.keyIds.clear();
    this.keyIds.set(tuple, keys[0].keyId);
    return keys[0].keyId;
  }

  private async insertKeys(): Promise<void> {
    const wholes = this.newKeys;
    const grains = wholes.map((keys) => `{${keys.map(({ keyId }) => keyId).join(',')}}`);
    await this.client.query(
      `INSERT INTO expected_grains (key_id, tenant, keys)
       SELECT k, tenant, keys::uuid[] FROM unnest($1::uuid[], $2::text[], $3::text[]) AS r(k, tenant, keys)
       ON CONFLICT DO NOTHING`,
      [
        pgArray(wholes.map(([whole]) => whole.keyId)),
        pgArray(wholes.map(([whole]) => whole.tenant)),
        pgArray(grains),
      ],
    );
    const keys = wholes.flat();
    const columns = [
      keys.map((key) => key.keyId),
      keys.map((key) => key.grain),
      ...(['tenant', 'user', 'queue', 'cluster', 'template', 'provider', 'hardware', 'image'] as const).map(
        (name) => keys.map((key) => key[name]),
      ),
      keys.map((key) => JSON.stringify(key.services)),
    ];
    await this.client.query(
      `INSERT INTO expected_keys
       SELECT k, grain, tenant, user_id, queue, cluster, template, provider, hardware, image,
         ARRAY(SELECT jsonb_array_elements_text(services::jsonb))
       FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
         $8::text[], $9::text[], $10::text[], $11::text[])
         AS r(k, grain, tenant, user_id, queue, cluster, template, provider, hardware, image, services)`,
      columns.map((column) => pgArray(column)),
    );
    this.newKeys = [];
  }

  private async insert(
    table: string,
    types: string,
    columns: readonly (readonly (string | number | bigint | null)[])[],
  ): Promise<void> {
    if (columns[0]?.length === 0) return;
    const arrays = types.split(',').map((type, index) => `$${index + 1}::${type}[]`);
    await this.client.query(
      `INSERT INTO ${table} SELECT * FROM unnest(${arrays.join(', ')})`,
      columns.map((column) => pgArray(column)),
    );
  }
}
