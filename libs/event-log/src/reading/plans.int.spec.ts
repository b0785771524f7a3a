import { jest } from '@jest/globals';
import pg from 'pg';
import { sampleEvents } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { hashArray } from '../append/binary-array.js';
import { EventLog } from '../event-log.js';
import { identitySum } from '../identity.js';
import { KNOWN_IDENTITIES } from './known-identities.js';
import { READ_AFTER } from './read-after.js';
import { READ_ENTITY } from './read-entity.js';
import { READ_SELECTED } from './read-selected.js';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}

const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

jest.setTimeout(30_000);

describe('plans', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
    // The state right after a large import: filled, never analysed.
    await database.pool.query(`
      DO $$ DECLARE child regclass; BEGIN
        PERFORM log_ensure_partitions(1);
        FOR child IN SELECT inhrelid::regclass FROM pg_inherits
                     WHERE inhparent IN ('log'::regclass, 'event_ids'::regclass) LOOP
          EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', child);
        END LOOP;
      END $$`);
  });
  afterAll(() => database.drop());

  async function planOf(statement: string, values: unknown[]): Promise<PlanNode[]> {
    const { rows } = await database.pool.query(`EXPLAIN (FORMAT JSON) ${statement}`, values);
    return flatten(rows[0]['QUERY PLAN'][0].Plan as PlanNode);
  }

  async function scans(): Promise<{ sequential: number; byIndex: number }> {
    const { rows } = await database.pool.query(
      `SELECT pg_stat_force_next_flush(), sum(seq_scan)::int AS sequential, sum(idx_scan)::int AS "byIndex"
       FROM pg_stat_user_tables WHERE relname ~ '^event_ids_h'`,
    );
    return rows[0];
  }

  it('of the append look identities up by index for ever, on a session that began with an empty log', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const session = new EventLog(client as unknown as pg.Pool);
    const events = sampleEvents(200);
    await session.append({ events });
    // The statistics of a small table, and a plan made from them that the session keeps.
    await client.query('ANALYZE event_ids');
    for (let i = 0; i < 8; i += 1) await session.append({ events });
    await client.query('SELECT pg_stat_force_next_flush()');
    const before = await scans();
    for (let i = 0; i < 60; i += 1)
      await session.append({ events: [...sampleEvents(250), ...events.slice(0, 5)] });
    await client.query('SELECT pg_stat_force_next_flush()');
    await client.end();
    const after = await scans();
    expect(after.sequential - before.sequential).toBe(0);
    expect(after.byIndex - before.byIndex).toBeGreaterThanOrEqual(60 * 255);
  });

  it.each([0, 100, 14_000])(
    'of reading after position %i use the primary key and sort nothing',
    async (position) => {
      const all = await planOf(READ_AFTER, [position, 2_000, 8 << 20]);
      // A row per archived partition: never more than a page.
      const nodes = all.filter((node) => node['Relation Name'] !== 'log_archives');
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Sort');
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
      const indexes = nodes.flatMap((node) => node['Index Name'] ?? []);
      expect(indexes.length).toBeGreaterThan(0);
      for (const index of indexes) expect(index).toMatch(/^log_p\d+_pkey$/);
    },
  );

  it('of reading what is selected of a range read no more of the log than the range', async () => {
    const nodes = await planOf(READ_SELECTED, [14_000, 14_900, ['worker.heartbeat'], 'quipu/sweeper']);
    const ofLog = nodes.filter((node) => node['Relation Name']?.startsWith('log_p'));
    expect(ofLog.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    const indexes = nodes.flatMap((node) => node['Index Name'] ?? []);
    expect(indexes.filter((index) => /^log_p\d+_pkey$/.test(index))).not.toEqual([]);
  });

  it('of reading one entity use its index', async () => {
    const nodes = await planOf(READ_ENTITY, ['tenant-1', 'job/queue-1/77@1700000000000']);
    expect(nodes.flatMap((node) => node['Index Name'] ?? [])).toEqual([
      expect.stringMatching(/^log_p\d+_tenant_subject_position_idx$/),
    ]);
  });

  it('of asking for known identities use the identity index', async () => {
    const sums = sampleEvents(500).map(identitySum);
    const nodes = await planOf(KNOWN_IDENTITIES, [hashArray(sums, 'uuid')]);
    expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    expect(nodes.some((node) => /^event_ids_h\d_pkey$/.test(node['Index Name'] ?? ''))).toBe(true);
  });
});
