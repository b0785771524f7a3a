import { clientConfig } from '@quipu/platform';
import { PROJECTION_SESSION, type Statement } from '@quipu/projection-engine';
import { Client } from 'pg';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { LEDGER_1 } from '../schema.js';
import { AmountBatch } from '../storage/amount-batch.js';
import { LevelBatch } from '../storage/level-batch.js';
import { MemberBatch } from '../storage/member-batch.js';
import { UsageKeyCache } from '../storage/usage-keys.js';
import { readEntities } from './read-entities.js';
import { readLatestQuarters } from './read-latest-quarters.js';
import { restoreLatest } from './restore-latest.js';
import { writeAmounts } from './write-amounts.js';
import { writeChanges } from './write-changes.js';
import { updateEntities } from './write-entities.js';
import { writeLevelSums } from './write-level-sums.js';
import { writeMembers } from './write-members.js';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}

const ROWS = 3_000;
const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

/** A batch large enough that a planner that believes a table to be empty would rather hash all of it. */
function statements(): Record<string, Statement> {
  const levels = new LevelBatch(new UsageKeyCache());
  const amounts = new AmountBatch();
  const members = new MemberBatch();
  const entities = [];
  for (let i = 0; i < ROWS; i++) {
    const dims = { tenant: `t${i % 5}`, user: `u${i % 50}`, queue: null, cluster: `c${i}`, template: null };
    const rest = { provider: null, hardware: null, image: null, services: [] };
    levels.add({ level: 'nodes', dims: { ...dims, ...rest }, t: i * 60_000, d: 1 }, i % 2 === 0 ? 1 : -1);
    amounts.add({ series: { family: 'jobs', tenant: 'acme', labels: `{"queue":"q${i}"}` }, value: 1 }, 1);
    const series = { family: 'waiting', tenant: 'acme', labels: '{"queue":"q"}' };
    members.after({ series, member: `job/${i}`, score: i });
    entities.push({ tenant: 'acme', kind: 1, id: `job/${i}`, state: '{}', lastPosition: i });
  }
  const keys = levels.net();
  const { changes, sums, lowered } = levels.finish();
  const [firstLowered] = lowered;
  return {
    entities: updateEntities(LEDGER_1, entities),
    amounts: writeAmounts(LEDGER_1, amounts.finish()),
    members: writeMembers(LEDGER_1, members.finish()),
    changes: writeChanges(LEDGER_1, changes.known),
    level_sums: writeLevelSums(LEDGER_1, sums.known),
    latest: restoreLatest(LEDGER_1, firstLowered!),
    read: readEntities(LEDGER_1, entities) as Statement,
    quarters: readLatestQuarters(LEDGER_1, keys) as Statement,
  };
}

const INDEXES: Record<string, string[]> = {
  entities: ['entities_pkey'],
  amounts: ['amounts_pkey'],
  members: ['members_pkey'],
  changes: ['changes_pkey'],
  level_sums: ['level_buckets_pkey'],
  latest: ['changes_pkey', 'level_buckets_pkey', 'usage_keys_pkey', 'usage_keys_pkey'],
  read: ['entities_pkey'],
  quarters: ['level_buckets_pkey'],
};

describe.each(['empty', 'filled and never analysed', 'filled since they were vacuumed'])(
  'hot statements over tables that are %s',
  (filled) => {
    let database: TestDatabase;
    let client: Client;

    beforeAll(async () => {
      database = await testDatabase();
      client = new Client(clientConfig(database.url, { session: PROJECTION_SESSION }));
      await client.connect();
      if (filled === 'empty') return;
      for (const table of ['entities', 'amounts', 'members', 'usage_keys', 'changes', 'level_buckets']) {
        await client.query(`ALTER TABLE ledger_1.${table} SET (autovacuum_enabled = off)`);
      }
      if (filled === 'filled since they were vacuumed') await client.query('VACUUM ANALYZE');
      await client.query(`INSERT INTO ledger_1.entities
      SELECT 'acme', 1, 'job/' || i, '{}', i FROM generate_series(1, 20000) i`);
      await client.query(`INSERT INTO ledger_1.usage_keys (key_id, grain, services)
      SELECT md5(i::text)::uuid, 0, '{}' FROM generate_series(1, 2000) i`);
      await client.query(`INSERT INTO ledger_1.changes
      SELECT 1, i, md5((i % 2000)::text)::uuid, 1, 1 FROM generate_series(1, 20000) i`);
      await client.query(`INSERT INTO ledger_1.level_buckets (level_group, key_id, bucket_kind, bucket,
        d1, n1, max_t1, w1, d2, n2, w2, d3, n3, w3)
      SELECT 1, md5((i % 2000)::text)::uuid, 1, i / 2000, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 20000) i`);
    }, 60_000);
    afterAll(async () => {
      await client.end();
      await database.drop();
    });

    it.each(Object.entries(statements()))('%s goes by index', async (name, { text }) => {
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        // As the sessions plan: for any values.
        `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}`,
      );
      const nodes = flatten(rows[0]!['QUERY PLAN'][0].Plan);
      const kinds = nodes.map((node) => node['Node Type']);
      expect(kinds).not.toContain('Seq Scan');
      expect(kinds.filter((kind) => /Hash|Merge Join/.test(kind))).toEqual([]);
      expect(nodes.flatMap((node) => node['Index Name'] ?? []).sort()).toEqual(INDEXES[name]);
      // What is asked for goes round the loop: the other way about, the whole table is read once for every batch.
      const inner = nodes
        .filter((node) => node['Node Type'] === 'Nested Loop')
        .map((node) => node.Plans?.[1]);
      expect(inner.map((node) => node?.['Node Type'])).not.toContain('Function Scan');
    });
  },
);
