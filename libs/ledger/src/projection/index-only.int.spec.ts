import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { worldEvents } from '../../../../test/support/generators/worlds.js';
import { LedgerBench } from '../../test/ledger-bench.js';

describe('the ledger projection in a database that nobody has analysed', () => {
  let bench: LedgerBench;

  beforeAll(async () => {
    bench = await LedgerBench.open();
  });
  afterAll(() => bench.close());

  const scans = async (kind: 'seq_scan' | 'idx_scan') => {
    const { rows } = await bench.database.pool.query<{ relname: string; scans: string }>(
      `SELECT relname, ${kind} AS scans FROM pg_stat_user_tables WHERE schemaname = 'ledger_1' ORDER BY relname`,
    );
    return Object.fromEntries(rows.map(({ relname, scans }) => [relname, Number(scans)]));
  };

  it('never reads a table from end to end', async () => {
    const [events] = fc.sample(worldEvents(60), { numRuns: 1, seed: 3 });
    const position = await bench.append(events!);
    const runner = bench.start({ redis: null, limits: { maxEvents: 5 } });
    await runner.whenPosition(position);
    await runner.stop();
    // Sessions report what they did when they end.
    while (Object.values(await scans('idx_scan')).includes(0)) await pause(10);
    expect(new Set(Object.values(await scans('seq_scan')))).toEqual(new Set([0]));
  }, 60_000);
});
