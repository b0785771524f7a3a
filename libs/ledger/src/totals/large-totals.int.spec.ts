import { type LogEvent } from '@quipu/contracts';
import { LedgerBench } from '../../test/ledger-bench.js';
import { amountField, TOTALS_KEY } from './totals-keys.js';

const T0 = Date.UTC(2024, 0, 1);
const JOBS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
let count = 0;

function job(type: LogEvent['type'], id: string, data: Record<string, unknown> = {}): LogEvent {
  count += 1;
  const time = T0 + count;
  return {
    tenant: 'acme',
    source: 's',
    id: `e${count}`,
    type,
    subject: `job/${id}`,
    time,
    dataversion: 1,
    data,
  };
}

describe('totals beyond 64 bits', () => {
  let bench: LedgerBench;
  beforeAll(async () => {
    bench = await LedgerBench.open();
  });
  afterAll(() => bench.close());

  /** Redis' value of the sum, which must be that of Postgres; null where neither has one. */
  const nodeSeconds = async (): Promise<bigint | null> => {
    const found = await bench.redis.redis.hget(TOTALS_KEY, amountField('quipu_node_seconds', 'acme', '{}'));
    const { rows } = await bench.database.pool.query<{ value: string }>(
      `SELECT value FROM ledger_1.amounts WHERE family = 'quipu_node_seconds'`,
    );
    expect(rows[0]?.value ?? null).toBe(found);
    return found === null ? null : BigInt(found);
  };

  it('are exact there and back, without a reload', async () => {
    const runner = bench.start();
    // Minus the starts of what is open, times the nodes: some 1.7e18 each.
    const nodes = 1_000_000;
    await runner.whenPosition(await bench.append([job('job.started', 'a', { nodes })]));
    const { totals } = runner.state();
    const starts = [T0 + count];
    for (const id of JOBS.slice(1)) {
      await runner.whenPosition(await bench.append([job('job.started', id, { nodes })]));
      starts.push(T0 + count);
    }
    const open = starts.reduce((sum, start) => sum - BigInt(start) * BigInt(nodes), 0n);
    expect(open).toBeLessThan(-(2n ** 63n));
    expect(await nodeSeconds()).toBe(open);
    let held = 0n;
    for (const [place, id] of JOBS.entries()) {
      await runner.whenPosition(await bench.append([job('job.completed', id)]));
      held += BigInt(T0 + count - starts[place]!) * BigInt(nodes);
    }
    expect(await nodeSeconds()).toBe(held);
    expect(runner.state().totals).toEqual(totals);
  });
});
