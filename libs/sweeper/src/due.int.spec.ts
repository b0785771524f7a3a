import { LEDGER_1 } from '@quipu/ledger';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import {
  type EndingPlace,
  type Found,
  type Page,
  readDue,
  readLeft,
  readWoken,
  type WorkerPlace,
} from './due.js';
import type { Ending } from './ending.js';
import type { WorkerRecord } from './judge.js';

describe('those that something is to be said of', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
    // Of each second worker the first life is lost, and a second one is due; the jobs of the fourth are many.
    await database.pool.query(`
      INSERT INTO sweeper_lives (tenant, worker, life, since_ms, sign_ms, beats, lost_ms, heard_ms, retired, in_touch)
      SELECT 'superadmin', 'w' || n, life, 0, 0, true, CASE WHEN life = 'a' THEN 0 END, 50, false, life = 'b'
        FROM generate_series(1, 7) n CROSS JOIN (VALUES ('a'), ('b')) AS lives (life)`);
    await database.pool.query(`
      INSERT INTO ${LEDGER_1}.entities (tenant, kind, id, state, last_position)
      SELECT 'superadmin', 3, 'worker/w' || n, json_build_object('holds', (
               SELECT json_agg('["acme","job/q/' || job || '"]')
                 FROM generate_series(1, CASE WHEN n = 4 THEN 60 ELSE 1 END) job)), 1
        FROM generate_series(1, 7) n`);
    await database.pool.query(`
      INSERT INTO sweeper_endings SELECT 'acme', 'job/q/' || n, 1, 'superadmin', 'w', '', 5, 9 + n / 20, 's', 'i'
        FROM generate_series(1, 25) n`);
  });
  afterAll(() => database.drop());

  /** All pages, each as a text. */
  async function pages<T, P>(
    read: (page: Page<P>) => Promise<Found<T, P>>,
    text: (one: T) => string,
  ): Promise<string[]> {
    const texts: string[] = [];
    let after: P | null = null;
    do {
      const { found, next }: Found<T, P> = await read({ after, most: 2 });
      texts.push(found.map(text).join(' '));
      after = next;
    } while (after !== null);
    return texts;
  }

  const named = ({ lives }: WorkerRecord) => `${lives[0]!.worker}:${lives.length}`;
  const byWorker = ['w1:2 w2:2', 'w3:2', 'w4:2', 'w5:2 w6:2', 'w7:2'];

  it('are read on page by page, as many as have not too many jobs, nobody twice and nobody left out', async () => {
    const { pool } = database;
    expect(
      await pages<WorkerRecord, WorkerPlace>((page) => readDue(pool as never, LEDGER_1, 100, page), named),
    ).toEqual(byWorker);
    expect(
      await pages<WorkerRecord, WorkerPlace>((page) => readLeft(pool as never, LEDGER_1, 100, page), named),
    ).toEqual(byWorker);
    const woken = await pages<Ending, EndingPlace>(
      (page) => readWoken(pool, page),
      ({ job }) => job,
    );
    expect(woken.map((text) => text.split(' ').length)).toEqual([20, 5]);
    expect(new Set(woken.join(' ').split(' ')).size).toBe(25);
    expect(woken[1]).toBe('job/q/21 job/q/22 job/q/23 job/q/24 job/q/25');
  });
});
