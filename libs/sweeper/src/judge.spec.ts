import { judge, type OpenRun } from './judge.js';
import { addFact, type Life, newLife } from './life.js';
import { lossReports } from './reports.js';

const LEASE = { nowMs: 100_000, leaseMs: 60_000, hearingSinceMs: 0 };

/** A life that connected, sent a heartbeat and was recorded then. */
function life(name: string, sinceMs: number, lastMs: number, recordedMs = lastMs): Life {
  const made = newLife({ tenant: 'superadmin', worker: 'w', life: name }, sinceMs, false);
  const sign = (id: string, timeMs: number) => ({ timeMs, source: 's', id });
  addFact(made, { kind: 'connected', sign: sign(`${name}-c`, sinceMs), recordedMs: sinceMs });
  addFact(made, { kind: 'heartbeat', sign: sign(`${name}-h`, lastMs), recordedMs });
  return made;
}

const run = (startedMs: number, lastMs = startedMs, recordedMs = startedMs): OpenRun => ({
  ...{ jobTenant: 'acme', job: `job/q/${startedMs}`, attempt: 2, startedMs, lastMs, recordedMs },
});

/** `[life, [[job, end], ...]]` per loss. */
const verdict = (lives: Life[], runs: OpenRun[] = [], lease: Partial<typeof LEASE> = {}) =>
  judge({ lives, runs }, { ...LEASE, ...lease }).map((loss) => [
    loss.life.life,
    loss.runs.map((ended) => [ended.run.startedMs, ended.endedMs]),
  ]);

describe('judge', () => {
  const silent = life('a', 1_000, 30_000);

  it.each([
    ['heard a moment less than a lease ago', life('a', 0, 40_001), []],
    ['heard a lease ago', life('a', 0, 40_000), [['a', []]]],
    ['heard long ago by its own clock, just now by that of the log', life('a', 0, 1, 99_000), []],
    [
      'heard just now by its own clock, long ago by that of the log',
      life('a', 0, 99_999, 30_000),
      [['a', []]],
    ],
  ])('finds a life lost by the time of record: %s', (_, one, expected) => {
    expect(verdict([one])).toEqual(expected);
  });

  it('counts only the time in which everybody could be heard', () => {
    expect(verdict([silent], [], { hearingSinceMs: 40_001 })).toEqual([]);
    expect(verdict([silent], [], { hearingSinceMs: 40_000 })).toEqual([['a', []]]);
  });

  it.each<[string, (one: Life) => void]>([
    ['that never sent a heartbeat', (one) => (one.beats = false)],
    ['that has left', (one) => addFact(one, { kind: 'ended', timeMs: 30_000 })],
    ['of a worker that is gone for ever', (one) => addFact(one, { kind: 'retired', timeMs: 5 })],
  ])('leaves a life alone %s', (_, change) => {
    const one = life('a', 1_000, 30_000);
    change(one);
    expect(verdict([one], [run(2_000)])).toEqual([]);
  });

  it('finds a life lost again that was heard after it was lost', () => {
    const one = life('a', 1_000, 30_000);
    addFact(one, { kind: 'presumed-lost', timeMs: 20_000, sinceMs: 1_000 });
    expect(verdict([one])).toEqual([['a', []]]);
  });

  it('ends runs when the life was last heard, or when they were', () => {
    expect(verdict([silent], [run(2_000), run(35_000), run(3_000, 33_000)])).toEqual([
      [
        'a',
        [
          [2_000, 30_000],
          [35_000, 35_000],
          [3_000, 33_000],
        ],
      ],
    ]);
  });

  it('ends no run that another life which is there may be doing', () => {
    const there = life('b', 50_000, 99_000);
    const runs = [run(2_000), run(50_000), run(60_000)];
    expect(verdict([silent, there], runs)).toEqual([['a', [[2_000, 30_000]]]]);
  });

  it('ends a run with the youngest of the lost lives that were there when it began', () => {
    const later = life('b', 10_000, 35_000);
    const runs = [run(2_000), run(12_000), run(500)];
    expect(verdict([later, silent], runs)).toEqual([
      ['b', [[12_000, 35_000]]],
      [
        'a',
        [
          [2_000, 30_000],
          [500, 30_000],
        ],
      ],
    ]);
  });

  it('takes what is recorded of a run for a sign of the life that does it, and of no other', () => {
    expect(verdict([silent], [run(2_000), run(3_000, 3_000, 99_000)])).toEqual([]);
    const younger = life('b', 50_000, 60_000, 99_000);
    expect(verdict([silent, younger], [run(2_000), run(55_000, 55_000, 99_000)])).toEqual([
      ['a', [[2_000, 30_000]]],
    ]);
  });

  it('ends a run that was opened by a late fact with the life that is lost already, and says no more of that', () => {
    const one = life('a', 1_000, 30_000);
    addFact(one, { kind: 'presumed-lost', timeMs: 30_000, sinceMs: 1_000 });
    expect(verdict([one])).toEqual([]);
    expect(verdict([one], [run(2_000, 2_000, 90_000)])).toEqual([]);
    expect(verdict([one], [run(2_000)])).toEqual([['a', [[2_000, 30_000]]]]);
    const [loss] = judge({ lives: [one], runs: [run(2_000)] }, LEASE);
    expect(lossReports(loss!).map(({ type }) => type)).toEqual(['job.aborted']);
  });

  it('a life whose clock is ahead of the log is judged by the log', () => {
    expect(verdict([life('a', 0, 300_000, 99_000)])).toEqual([]);
    expect(verdict([life('a', 0, 300_000, 20_000)], [run(5)])).toEqual([['a', [[5, 300_000]]]]);
  });
});
