import { randomUUID } from 'node:crypto';
import { createLogger, systemClock } from '@quipu/platform';
import type { PoolClient } from 'pg';
import { batchOf, createMetrics, policyOf } from '../../../../test/support/archive/archive-fixture.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { ArchiveResources, type ArchiveResource } from '../catalogue/resources.js';
import { MeasuresWriter } from './measures-writer.js';

const SECOND = 1_000_000_000n;
const TENANT = 'superadmin';
const policy = policyOf([[60n * SECOND, null]], ['count']);

describe('metrics that several work on', () => {
  let database: TestDatabase;
  let resources: ArchiveResources;
  let writer: MeasuresWriter;
  /** Metrics by id, the lower first. */
  let low: string;
  let high: string;
  let other: PoolClient;

  beforeAll(async () => {
    database = await testDatabase();
    const { pool } = database;
    resources = new ArchiveResources(pool);
    writer = new MeasuresWriter({ pool, clock: systemClock, logger: createLogger('test', 'silent') });
  });
  beforeEach(async () => {
    const ids = await createMetrics(database.pool, policy, 2);
    [low, high] = ids.sort() as [string, string];
    other = await database.pool.connect();
    await other.query('BEGIN');
  });
  afterEach(async () => {
    await other.query('ROLLBACK');
    other.release();
  });
  afterAll(() => database.drop());

  /** A resource of these metrics, by their names. */
  async function resourceOf(metrics: Readonly<Record<string, string>>): Promise<ArchiveResource> {
    const id = randomUUID();
    return resources.create(
      {
        ...{ id, tenant: TENANT, creator: 'admin', type: 'generic', originalId: id },
        ...{ userId: null, projectId: null, startedUs: 0n, endedUs: null, revisionStartUs: 0n },
        ...{ metrics: [], adopted: new Map(Object.entries(metrics)) },
      },
      0,
    );
  }

  const lock = (id: string) =>
    other.query(`SELECT FROM archive_metrics WHERE id = $1 FOR NO KEY UPDATE`, [id]);

  async function someoneWaits(): Promise<void> {
    for (;;) {
      const { rows } = await database.pool.query<{ waiting: number }>(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (rows[0]!.waiting > 0) return;
    }
  }

  it('are locked in the order of their ids when their resource is removed', async () => {
    // By name the other way round.
    const resource = await resourceOf({ a: high, b: low });
    await lock(low);
    const removed = resources.remove(resource);
    await someoneWaits();
    await lock(high);
    await other.query('COMMIT');
    await removed;
    await expect(resources.get(TENANT, resource.id)).rejects.toThrow(resource.id);
  });

  it('are waited for again by a refresh that had to give way', async () => {
    await lock(low);
    await lock(high);
    await writer.apply([batchOf(new Map([low, high].map((id) => [id, [[SECOND, 1]]])))]);
    await other.query('ROLLBACK');
    await other.query('BEGIN');
    await lock(high);
    const refreshed = writer.processPending([low, high], 30_000);
    await someoneWaits();
    // The one that has waited for longer gives way.
    await lock(low).catch(() => undefined);
    await other.query('COMMIT');
    expect(await refreshed).toBe('done');
  });
});
