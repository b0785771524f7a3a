import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { writeLevels } from '../../test/write-levels.js';
import { WorkerConservation } from './worker-conservation.js';

const START = Date.UTC(2024, 0, 31, 23);
const HOUR = 3_600_000;

describe('WorkerConservation', () => {
  let database: TestDatabase;
  let conservation: WorkerConservation;

  beforeAll(async () => {
    database = await testDatabase();
    conservation = new WorkerConservation(database.pool);
    const of = (level: 4 | 5 | 6, t: number, d: number, tenant = 'acme') => ({
      ...{ level, t, d, tenant },
      cluster: 'w1',
    });
    // Two slots, connected after an hour; a run of half an hour over the end of the month.
    await writeLevels(database.pool, [
      ...[of(6, START, 2), of(6, START + HOUR, -2), of(5, START + HOUR, 2)],
      ...[of(4, START + HOUR, 1), of(5, START + HOUR, -1)],
      ...[of(4, START + 1.5 * HOUR, -1), of(5, START + 1.5 * HOUR, 1)],
      ...[of(6, START, 1, 'umbrella')],
    ]);
    const amounts = (tenant: string, base: number, rate: number): string =>
      `('worker_seconds', '${tenant}', '{"pool":"p","state":"registered"}', ${base}),
       ('worker_seconds:rate', '${tenant}', '{"pool":"p","state":"registered"}', ${rate}),
       ('worker_seconds', '${tenant}', '{"pool":"p","state":"connected"}', 77)`;
    await database.pool.query(
      `INSERT INTO ledger_1.amounts (family, tenant, labels, value)
       VALUES ${amounts('umbrella', -START, 1)}, ${amounts('acme', -2 * START, 2)}`,
    );
  });
  afterAll(() => database.drop());

  it('is 1 for each tenant whose workers were registered by then, at any instant', async () => {
    const conserved = [
      { tenant: 'acme', ratio: '1' },
      { tenant: 'umbrella', ratio: '1' },
    ];
    for (const hours of [1.25, 5, 10_000])
      expect(await conservation.read(START + hours * HOUR)).toEqual(conserved);
    expect(await conservation.read(START)).toEqual([]);
  });

  it('tells a millisecond that was lost', async () => {
    await database.pool.query(`UPDATE ledger_1.level_buckets SET w3 = w3 + 1
      WHERE bucket_kind = 3 AND level_group = 2
        AND key_id = (SELECT key_id FROM ledger_1.usage_keys WHERE grain = 2 AND tenant = 'umbrella')`);
    const [acme, umbrella] = await conservation.read(START + 10_000 * HOUR);
    expect(acme!.ratio).toBe('1');
    expect(Number(umbrella!.ratio)).toBeLessThan(1);
  });
});
