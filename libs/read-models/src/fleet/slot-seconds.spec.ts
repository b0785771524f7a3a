import { shownSlots } from '@quipu/ledger';
import fc from 'fast-check';
import { busyRatio } from './slot-seconds.js';

describe('shown slot-seconds', () => {
  it.each([
    [
      [5n, 3n, 2n],
      [5n, 3n, 2n],
    ],
    // Jobs ran while no connection was known: what idle lacks is taken from offline,
    [
      [5n, -3n, 8n],
      [5n, 0n, 5n],
    ],
    // then from busy: more jobs ran than there are slots.
    [
      [8n, -3n, 2n],
      [7n, 0n, 0n],
    ],
    [
      [3n, -3n, 0n],
      [0n, 0n, 0n],
    ],
  ])('of %j are %j', ([busy, idle, offline], [b, i, o]) => {
    expect(shownSlots({ busy: busy!, idle: idle!, offline: offline! })).toEqual({
      busy: b,
      idle: i,
      offline: o,
    });
  });

  it('never lack anything, and come to the registered time exactly', () => {
    const amount = fc.bigInt(0n, 1_000n);
    fc.assert(
      // Registered time is never negative: a run adds to busy what it takes from idle.
      fc.property(amount, amount, amount, (busy, connected, offline) => {
        const raw = { busy, idle: connected - busy, offline };
        const shown = shownSlots(raw);
        const parts = [shown.busy, shown.idle, shown.offline];
        expect(parts.every((part) => part >= 0n)).toBe(true);
        expect(parts.reduce((a, b) => a + b)).toBe(connected + offline);
      }),
    );
  });

  it('have a ratio where something was connected', () => {
    expect(busyRatio({ busy: 1n, idle: 2n })).toBe(0.3333);
    expect(busyRatio({ busy: 3n, idle: 0n })).toBe(1);
    expect(busyRatio({ busy: 0n, idle: 0n })).toBeNull();
  });
});
