import { Hearing } from './hearing.js';
import type { Outlook } from './outlook.js';
import { whyAside } from './standing.js';

describe('Hearing', () => {
  /** Looks at these seconds of the process, the database's clock being `ahead` of it; null: something was away. */
  function after(looks: readonly (number | null)[], ahead: readonly number[] = []): number | null {
    const hearing = new Hearing(15_000);
    looks.forEach((second, i) => {
      if (second === null) return hearing.broken();
      hearing.good({ nowMs: (second + (ahead[i] ?? 100)) * 1_000, monotonicMs: second * 1_000 });
    });
    return hearing.sinceMs === null ? null : hearing.sinceMs / 1_000;
  }

  it.each<[string, (number | null)[], number[], number | null]>([
    ['nothing was looked at', [], [], null],
    ['from the first look on', [1, 2, 3], [], 101],
    ['not while something is away', [1, 2, null], [], null],
    ['from the end of the last outage on', [1, 2, null, 7, 8], [], 107],
    ['not across a time without looks', [1, 2, 18, 19], [], 118],
    ['across a short one', [1, 2, 16, 17], [], 101],
    ['not across a jump of the clock', [1, 2, 3, 4], [100, 100, 700, 700], 703],
    ['not across a step back', [1, 2, 3, 4], [100, 100, 50, 50], 53],
    ['across a slow correction', [1, 2, 3], [100, 101, 102], 101],
  ])('hears: %s', (_, looks, ahead, expected) => {
    expect(after(looks, ahead)).toBe(expected);
  });
});

describe('whyAside', () => {
  const outlook: Outlook = {
    ...{ nowMs: 100_000, head: 7n, position: 7n, lagMs: 0, halted: false },
    ledger: 'ledger_1' as Outlook['ledger'],
  };
  const calm = { leaseMs: 60_000, hearingSinceMs: 40_000, queued: 0, looked: outlook, judged: outlook };

  it('is null when the queue is empty, everything is folded and everybody had a lease to be heard', () => {
    expect(whyAside(calm)).toBeNull();
  });

  it.each<[string, Partial<typeof calm>, string]>([
    ['something is away', { hearingSinceMs: null as unknown as number }, 'redis'],
    ['something waits in the queue', { queued: 1 }, 'queue'],
    ['something came in since the look', { judged: { ...outlook, head: 8n, position: 8n } }, 'queue'],
    ['the log has not been read to its end', { judged: { ...outlook, position: 6n } }, 'queue'],
    ['the ledger is a second behind', { judged: { ...outlook, lagMs: 1_000 } }, 'lag'],
    ['there is no ledger', { judged: { ...outlook, ledger: null } }, 'lag'],
    ['the ledger stands still', { judged: { ...outlook, halted: true } }, 'halted'],
    ['the last outage is less than a lease ago', { hearingSinceMs: 40_001 }, 'hearing'],
  ])('names the reason: %s', (_, change, reason) => {
    expect(whyAside({ ...calm, ...change })).toBe(reason);
  });
});
