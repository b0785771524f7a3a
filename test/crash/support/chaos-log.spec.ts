import { wasSilent } from './chaos-log.js';

const EXCUSED_MS = 2_000;
const CLOCK_MS = -1_500;
/** A loss at a last sign of life, by the clock of the test, that was written down later. */
const loss = (heardMs: number, recorded: number) => ({ time: heardMs + CLOCK_MS, recorded });
const frozen = (...frozen: { from: number; to: number }[]) => ({ clockMs: CLOCK_MS, frozen });

describe('an excuse for a loss', () => {
  it.each([
    ['it was dead', { clockMs: CLOCK_MS, killedMs: 10_000, frozen: [] }, loss(9_500, 13_000), true],
    ['it died afterwards', { clockMs: CLOCK_MS, killedMs: 14_000, frozen: [] }, loss(9_500, 13_000), false],
    ['nothing befell it', frozen(), loss(9_500, 13_000), false],
    ['nobody knows the life', undefined, loss(9_500, 13_000), false],
    ['it was frozen', frozen({ from: 10_000, to: Infinity }), loss(9_500, 13_000), true],
    ['it had only just thawed', frozen({ from: 10_000, to: 16_000 }), loss(9_500, 16_900), true],
    ['it was frozen within its lease', frozen({ from: 10_000, to: 11_900 }), loss(9_500, 13_000), false],
    ['it was heard after it thawed', frozen({ from: 10_000, to: 16_000 }), loss(16_100, 17_000), false],
    ['it froze afterwards', frozen({ from: 13_100, to: 20_000 }), loss(9_500, 13_000), false],
    [
      'one of its freezes was long',
      frozen({ from: 5_000, to: 6_000 }, { from: 10_000, to: 16_000 }),
      loss(9_500, 13_000),
      true,
    ],
  ])('%s', (_, of, lost, excused) => {
    expect(wasSilent(of, lost, EXCUSED_MS)).toBe(excused);
  });
});
