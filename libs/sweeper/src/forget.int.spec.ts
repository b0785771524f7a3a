import { type CurrentEvent } from '@quipu/contracts';
import { entityKinds, LEDGER_1 } from '@quipu/ledger';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { forgetEndings } from './forget.js';

const DAY_MS = 86_400_000;

/** A fact of a job; `t` in ms. */
const fact = (type: string, t: number, data: object): CurrentEvent =>
  ({
    ...{ tenant: 'acme', source: 's', id: `${type}${t}`, subject: 'job/j', time: t, dataversion: 1 },
    ...{ type, data },
  }) as unknown as CurrentEvent;

const started = (t: number, attempt = 1) => fact('job.started', t, { attempt, worker: 'w' });
const lost = fact('job.aborted', 5, { attempt: 1, worker: 'w', estimated: true });

/** Jobs whose first attempt was ended by estimate at 5; whether that is forgotten soon, and after a day. */
const JOBS: Record<string, { facts: CurrentEvent[]; forgotten: [soon: boolean, later: boolean] }> = {
  'lost for good': { facts: [], forgotten: [false, false] },
  removed: { facts: [fact('job.removed', 9, {})], forgotten: [true, true] },
  'ended after all': { facts: [fact('job.completed', 9, { attempt: 1 })], forgotten: [true, true] },
  'ended before its last start': {
    facts: [fact('job.completed', 3, { attempt: 1 }), started(4)],
    forgotten: [false, false],
  },
  'going on in another attempt': { facts: [started(8, 2)], forgotten: [false, false] },
  'ended in another attempt': {
    facts: [started(8, 2), fact('job.failed', 9, { attempt: 2 })],
    forgotten: [false, true],
  },
};

describe('attempts that were ended by estimate', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    const kind = entityKinds.job;
    database = await testDatabase();
    for (const [job, { facts }] of Object.entries(JOBS)) {
      let state = kind.empty({ tenant: 'acme', kind: 'job', id: job });
      for (const one of [started(1), lost, ...facts]) state = kind.merge(state, one);
      await database.pool.query(
        `INSERT INTO ${LEDGER_1}.entities (tenant, kind, id, state, last_position) VALUES ('acme', 1, $1, $2, 1)`,
        [job, JSON.stringify(state)],
      );
    }
    await database.pool.query(`
      INSERT INTO sweeper_endings SELECT 'acme', id, 1, 'superadmin', 'w', '', 5 FROM ${LEDGER_1}.entities`);
    // Many of a job that the ledger does not know: they stay, and are more than are looked at at once.
    await database.pool.query(`
      INSERT INTO sweeper_endings SELECT 'aa', 'unknown', n, 'superadmin', 'w', '', 5 FROM generate_series(1, 700) n`);
  });
  afterAll(() => database.drop());

  async function forgottenAt(nowMs: number): Promise<string[]> {
    const { pool } = database;
    let place = await forgetEndings(pool, LEDGER_1, nowMs, null);
    expect(place).toEqual(['aa', 'unknown', 500, 'superadmin', 'w', '']);
    while (place !== null) place = await forgetEndings(pool, LEDGER_1, nowMs, place);
    const { rows } = await pool.query<{ job: string }>('SELECT DISTINCT job FROM sweeper_endings');
    const kept = new Set(rows.map(({ job }) => job));
    expect(kept).toContain('unknown');
    return Object.keys(JOBS).filter((job) => !kept.has(job));
  }

  it('are forgotten once no sign of life can take that back', async () => {
    const expected = (at: 0 | 1) => Object.keys(JOBS).filter((job) => JOBS[job]!.forgotten[at]);
    expect(await forgottenAt(1_000)).toEqual(expected(0));
    expect(await forgottenAt(5 + DAY_MS)).toEqual(expected(1));
  });
});
