import { createLogger, ManualClock } from '@quipu/platform';
import { batchOf, createMetrics, policyOf } from '../../../../test/support/archive/archive-fixture.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { ArchiveReader } from '../read/archive-reader.js';
import { MeasuresWriter } from './measures-writer.js';

const SECOND = 1_000_000_000n;
const policy = policyOf([[60n * SECOND, null]], ['count']);

describe('a metric that Postgres refuses', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it('holds up no other, and loses nothing', async () => {
    const { pool } = database;
    const clock = new ManualClock(1_800_000_000_000);
    const writer = new MeasuresWriter({ pool, clock, logger: createLogger('test', 'silent') });
    const ids = await createMetrics(pool, policy, 7);
    const refused = ids[3]!;
    await pool.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'too large' USING ERRCODE = '22000'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON archive_series FOR EACH ROW
        WHEN (NEW.metric_id = '${refused}') EXECUTE FUNCTION refuse()`);
    let second = 0n;
    const batch = () => batchOf(new Map(ids.map((id) => [id, [[(second += 1n) * SECOND, 1]]])));
    const count = async (id: string): Promise<number> => {
      const answer = await new ArchiveReader(pool).measures({ id, policy }, { aggregation: 'count' });
      if ('refused' in answer) throw new Error(answer.refused);
      return answer.series[0]?.points.values[0] ?? 0;
    };

    expect(await writer.apply([batch()])).toMatchObject({ taken: 6, failed: [refused] });
    // It is left alone for a while.
    expect(await writer.apply([batch(), batch()])).toMatchObject({ taken: 12, failed: [], deferred: 2 });
    expect(await writer.takeUpPending(new Set())).toMatchObject({ taken: 0, failed: [refused] });
    expect(await writer.processPending([refused], 1_000)).toBe('done');
    expect(await Promise.all(ids.map(count))).toEqual(ids.map((id) => (id === refused ? 0 : 3)));

    await pool.query('DROP TRIGGER refuse ON archive_series');
    clock.advance(60_001);
    expect(await writer.apply([batch()])).toMatchObject({ taken: 10, failed: [], deferred: 0 });
    expect(await count(refused)).toBe(4);
  });
});
