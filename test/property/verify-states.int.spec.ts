import fc from 'fast-check';
import { everyKindEvents } from '../support/generators/worlds.js';
import { LedgerRig } from './ledger-rig.js';

const COLUMNS = 'tenant, kind, id, state, last_position';

/** An entity that adds to an amount: its own count of events, a job, a node, a worker. */
const KINDS = { event_type: 19, job: 1, node: 2, worker: 3 };

describe('verify of stored states', () => {
  let rig: LedgerRig;

  beforeAll(async () => {
    rig = await LedgerRig.open();
    const worlds = fc.sample(everyKindEvents(9), { numRuns: 20, seed: 5 });
    const events = worlds.flatMap((world, n) =>
      world.map((told) => ({ ...told, tenant: `${told.tenant}-${n}` })),
    );
    await rig.play({ appends: [{ events, before: 'nothing' }], maxEvents: 2_000 });
  }, 60_000);
  afterAll(() => rig.close());

  it('finds nothing wrong with states that the summaries are made of', async () => {
    const report = await rig.verify();
    expect(report).toMatchObject({ examples: [], ok: true });
    const { amount, member, change, state } = report.compared;
    expect(state).toBe(amount + member + change);
  });

  it('leaves states alone that other code has made', async () => {
    const { pool } = rig.database;
    await pool.query(`UPDATE projections SET code_hash = 'x' || code_hash`);
    expect((await rig.verify()).compared.state).toBe(0);
    await pool.query(`UPDATE projections SET code_hash = substr(code_hash, 2)`);
  });

  it.each([
    ['is gone', 'DELETE FROM ledger_1.entities WHERE ctid IN (SELECT min(ctid) FROM chosen)'],
    [
      'belongs to another tenant',
      `UPDATE ledger_1.entities SET tenant = 'x' WHERE ctid IN (SELECT min(ctid) FROM chosen)`,
    ],
    [
      'is unreadable',
      `UPDATE ledger_1.entities SET state = '7' WHERE ctid IN (SELECT min(ctid) FROM chosen)`,
    ],
  ])('finds one of each kind that %s, though all summaries are right', async (_, damage) => {
    const { pool } = rig.database;
    for (const code of Object.values(KINDS)) {
      // A job whose wait is over has a history; an entity that comes to nothing would not be missed.
      const chosen = `WITH chosen AS (SELECT ctid FROM ledger_1.entities WHERE kind = ${code}
        AND length(state::text) = (SELECT max(length(state::text)) FROM ledger_1.entities WHERE kind = ${code}))`;
      await pool.query(`CREATE TABLE intact AS SELECT ${COLUMNS} FROM ledger_1.entities`);
      await pool.query(`${chosen} ${damage}`);
      const { examples } = await rig.verify();
      await pool.query(`DELETE FROM ledger_1.entities`);
      await pool.query(`INSERT INTO ledger_1.entities (${COLUMNS}) SELECT ${COLUMNS} FROM intact`);
      await pool.query('DROP TABLE intact');
      expect([code, new Set(examples.map(({ kind }) => kind))]).toEqual([code, new Set(['state'])]);
    }
    expect(await rig.verify()).toMatchObject({ examples: [], ok: true });
  });
});
