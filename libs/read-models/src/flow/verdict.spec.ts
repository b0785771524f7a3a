import { type VerdictFacts, verdictOf } from './verdict.js';

const QUIET: VerdictFacts = {
  ...{ queued: 0, inProgress: 0, oldestWaitingMs: null, arrivals: 0, departures: 0, completions: 0 },
  ...{ recentlyTaken: false, recentlyEnded: false, workers: 0, workersSeen: false },
};

describe('the verdict on a queue', () => {
  it.each<[string, Partial<VerdictFacts>]>([
    ['idle', {}],
    ['growing: 40 in, 25 out per minute', { queued: 90, arrivals: 40, departures: 25 }],
    ['draining: 25 in, 40 out per minute', { queued: 90, arrivals: 25, departures: 40 }],
    ['steady: 39 in, 40 out per minute', { queued: 90, arrivals: 39, departures: 40 }],
    ['steady: 1.5 in, 1.2 out per minute', { queued: 2, arrivals: 1.5, departures: 1.2 }],
    ['growing: 2 in, 1.2 out per minute', { queued: 2, arrivals: 2, departures: 1.2 }],
    ['steady: 25 in, 40 out per minute', { arrivals: 25, departures: 40, inProgress: 3 }],
    ['steady', { inProgress: 3 }],
    ['steady', { completions: 2 }],
    ['steady', { queued: 5, oldestWaitingMs: 90_000, workers: 2 }],
    ['nothing serves this queue', { queued: 5, oldestWaitingMs: 60_000 }],
    ['nothing serves this queue', { queued: 5, oldestWaitingMs: 60_000, arrivals: 10 }],
    // It may be taken at any moment.
    ['steady: 0.2 in, 0 out per minute', { queued: 1, oldestWaitingMs: 59_999, arrivals: 0.2 }],
    // Jobs that name no worker are served all the same.
    ['steady', { queued: 5, oldestWaitingMs: 600_000, inProgress: 1 }],
    ['steady', { queued: 5, oldestWaitingMs: 600_000, recentlyTaken: true }],
    ['steady', { queued: 5, oldestWaitingMs: 600_000, recentlyEnded: true }],
    // Those that served it are gone, whatever they took before.
    [
      'nothing serves this queue',
      {
        queued: 5,
        oldestWaitingMs: 60_000,
        arrivals: 9,
        departures: 9,
        recentlyTaken: true,
        workersSeen: true,
      },
    ],
    ['steady', { queued: 5, oldestWaitingMs: 600_000, workers: null }],
    ['standing: nothing taken for 15 minutes', { queued: 5, oldestWaitingMs: 900_000, workers: 2 }],
    ['standing: nothing taken for 15 minutes', { queued: 5, oldestWaitingMs: 900_000, inProgress: 1 }],
    ['steady', { queued: 5, oldestWaitingMs: 900_000, recentlyTaken: true }],
  ])('%s', (verdict, facts) => {
    expect(verdictOf({ ...QUIET, ...facts })).toBe(verdict);
  });
});
