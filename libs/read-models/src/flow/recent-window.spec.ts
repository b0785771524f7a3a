import { LEDGER_1 } from '@quipu/ledger';
import type { PoolClient } from 'pg';
import { RecentWindow, type WindowSpan } from './recent-window.js';

/** Which parts of the log were read, by the answers of a database in which each position is a job of its own. */
function rig() {
  const parts: string[] = [];
  let states = 0;
  let failing = false;
  const query = (statement: { name: string; values: unknown[] }) => {
    if (failing) return Promise.reject(new Error('away'));
    if (statement.name === 'touched-jobs') {
      const [from, to] = statement.values.map(Number) as [number, number];
      parts.push(`${from}-${to}`);
      const rows = Array.from({ length: to - from }, (_, i) => from + i + 1).map((position) => ({
        ...{ tenant: 'acme', subject: `job/q/${position}`, position: String(position), ends: true },
      }));
      return Promise.resolve({ rows });
    }
    const [tenants, ids] = statement.values as [string[], string[]];
    states += ids.length;
    const state = '{"attempts":[],"removed":[]}';
    return Promise.resolve({ rows: ids.map((id, i) => ({ tenant: tenants[i], id, state })) });
  };
  return {
    client: { query } as unknown as PoolClient,
    /** What was read since the last call. */
    read: () => ({ parts: parts.splice(0), states: [states, (states = 0)][0] }),
    fail: (fails: boolean) => (failing = fails),
  };
}

const span = (low: number, head: number, more: Partial<WindowSpan> = {}): WindowSpan => ({
  ...{ schema: LEDGER_1, epoch: 'e', low: BigInt(low), head: BigInt(head), sinceMs: 0, ...more },
});

describe('the window of what happened lately', () => {
  it('is read once, and on from where it was read, by one at a time', async () => {
    const { client, read } = rig();
    const window = new RecentWindow(2_000);
    const first = [window.attempts(client, span(0, 1_200)), window.attempts(client, span(0, 1_200))];
    expect(await Promise.all(first)).toEqual([[], []]);
    expect(read()).toEqual({ parts: ['0-1200'], states: 1_200 });
    await window.attempts(client, span(100, 1_300));
    expect(read()).toEqual({ parts: ['1200-1300'], states: 100 });
    // An older snapshot knows nothing new.
    await window.attempts(client, span(100, 1_250));
    expect(read()).toEqual({ parts: [], states: 0 });
  });

  it('is not read where it is too wide, and read on where it no longer is', async () => {
    const { client, read } = rig();
    const window = new RecentWindow(1_000);
    await window.attempts(client, span(0, 1_000));
    read();
    expect(await window.attempts(client, span(50, 1_051))).toBeNull();
    expect(read().parts).toEqual([]);
    await window.attempts(client, span(100, 1_060));
    expect(read()).toEqual({ parts: ['1000-1060'], states: 60 });
    expect(await window.attempts(client, span(1_100, 2_200))).toBeNull();
    await window.attempts(client, span(1_300, 2_250));
    expect(read().parts).toEqual(['1300-2250']);
  });

  it.each<[string, Partial<WindowSpan>]>([
    ['another epoch', { epoch: 'f' }],
    ['another generation', { schema: 'ledger_2' as WindowSpan['schema'] }],
    ['a beginning that was forgotten', { low: 5n }],
    ['a log that was read no further than its beginning', { low: 150n, head: 200n }],
  ])('is read anew for %s', async (_, more) => {
    const { client, read } = rig();
    const window = new RecentWindow();
    await window.attempts(client, span(10, 100));
    read();
    const asked = span(10, 100, more);
    await window.attempts(client, asked);
    expect(read().parts).toEqual([`${asked.low}-${asked.head}`]);
  });

  it('is read again where that failed', async () => {
    const { client, read, fail } = rig();
    const window = new RecentWindow();
    await window.attempts(client, span(0, 10));
    fail(true);
    await expect(window.attempts(client, span(0, 20))).rejects.toThrow('away');
    fail(false);
    read();
    await window.attempts(client, span(0, 30));
    expect(read()).toEqual({ parts: ['10-30'], states: 20 });
  });
});
