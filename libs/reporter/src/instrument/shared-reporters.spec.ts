import { jest } from '@jest/globals';
import { Reporter } from '../reporter.js';
import { type Lease, ownReporter, sharedReporter } from './shared-reporters.js';

/** Nobody listens there. */
const NOWHERE = 'redis://127.0.0.1:1';

describe('things that share a reporter, closed one after another', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const report = (reporter: Reporter) =>
    reporter.report({ type: 'job.queued', subject: 'job/q/1@1', tenant: 'acme', data: { queue: 'q' } });

  /** How long it takes to be done with them, in order, ms. */
  async function closing(leases: readonly Lease[]): Promise<number> {
    const start = performance.now();
    let done = false;
    const all = (async () => {
      for (const lease of leases) await lease.release();
    })().finally(() => (done = true));
    while (!done) await jest.advanceTimersByTimeAsync(50);
    await all;
    return performance.now() - start;
  }

  it('wait for a queue that is away 5 s in all', async () => {
    const leases = Array.from({ length: 10 }, () => sharedReporter(NOWHERE, {}));
    expect(new Set(leases.map(({ reporter }) => reporter)).size).toBe(1);
    report(leases[0]!.reporter);
    const ms = await closing(leases);
    expect(ms).toBeGreaterThanOrEqual(5_000);
    expect(ms).toBeLessThan(6_500);
  });

  it('wait again for one that was back meanwhile', async () => {
    const sender = { away: true, close: () => undefined };
    const send = () => (sender.away ? Promise.reject(new Error('away')) : Promise.resolve());
    const reporter = new Reporter({ connection: '', source: 'test' }, { ...sender, send });
    const leases = Array.from({ length: 3 }, () => ownReporter(reporter));
    report(reporter);
    expect(await closing(leases)).toBeLessThan(6_500);
    sender.away = false;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(reporter.stats().buffered).toBe(0);
    sender.away = true;
    report(reporter);
    const ms = await closing(leases);
    expect(ms).toBeGreaterThanOrEqual(5_000);
    expect(ms).toBeLessThan(6_500);
    await closing([{ reporter, release: () => reporter.close({ deadlineMs: 0 }) }]);
  });
});
