import { PositionWaiters } from './position-waiters.js';
import { Signal } from './signal.js';

describe('Signal', () => {
  it('keeps a notification that came before the wait, once', async () => {
    const signal = new Signal();
    signal.notify();
    signal.notify();
    await signal.wait(60_000);
    const started = performance.now();
    await signal.wait(20);
    expect(performance.now() - started).toBeGreaterThanOrEqual(15);
  });

  it('ends a wait that is under way', async () => {
    const signal = new Signal();
    const waiting = signal.wait(60_000);
    signal.notify();
    await waiting;
  });
});

describe('PositionWaiters', () => {
  it('resolves whoever waits for a position up to the one reached', async () => {
    const waiters = new PositionWaiters();
    const order: string[] = [];
    const waits = [5n, 7n].map((p) => waiters.wait(p).then(() => order.push(String(p))));
    waiters.reach(6n);
    await waits[0];
    expect(order).toEqual(['5']);
    waiters.reach(7n);
    await waits[1];
    await waiters.wait(7n);
  });

  it('makes callers wait again after a rebuild took the projection back', async () => {
    const waiters = new PositionWaiters();
    waiters.reach(10n);
    waiters.reach(0n);
    const refused = expect(waiters.wait(3n)).rejects.toThrow('stopped before position 3');
    waiters.stop();
    await refused;
  });
});
