import { CounterFloors } from './counter-floors.js';

const HOUR = 3_600_000;

describe('CounterFloors', () => {
  it.each<[string, readonly (readonly [minutes: number, truth: number, shown: number])[]]>([
    [
      'rise with the truth',
      [
        [0, 5, 5],
        [1, 7, 7],
      ],
    ],
    [
      'stand while the truth is below, until it is beyond',
      [
        [0, 9, 9],
        [1, 6, 9],
        [2, 9, 9],
        [3, 10, 10],
      ],
    ],
    [
      'stand for ever at no more than twice the truth',
      [
        [0, 20, 20],
        [1, 10, 20],
        [10_000, 10, 20],
      ],
    ],
    [
      'give way to less than half after an hour',
      [
        [0, 21, 21],
        [1, 10, 21],
        [60, 10, 21],
        [61, 10, 10],
        [62, 11, 11],
      ],
    ],
    [
      'give way to nothing',
      [
        [0, 21, 21],
        [1, 0, 21],
        [61, 0, 0],
      ],
    ],
    [
      'begin the hour anew when the truth came near',
      [
        [0, 21, 21],
        [1, 10, 21],
        [50, 11, 21],
        [61, 10, 21],
        [121, 10, 10],
      ],
    ],
    [
      'begin it anew when the clock is set back',
      [
        [90, 21, 21],
        [91, 10, 21],
        [0, 10, 21],
        [59, 10, 21],
        [60, 10, 10],
      ],
    ],
  ])('%s', (_, looks) => {
    const floors = new CounterFloors();
    const seen = looks.map(([minutes, truth]) => floors.shown('tenant/a', truth, (minutes * HOUR) / 60));
    expect(seen).toEqual(looks.map(([, , shown]) => shown));
  });

  it('are those of each counter by itself, learned from others, and forgotten', () => {
    const floors = new CounterFloors();
    floors.learn('tenant/a', 10);
    expect([floors.size, floors.shown('tenant/a', 8, 0), floors.shown('tenant/b', 8, 0)]).toEqual([1, 10, 8]);
    floors.clear();
    expect([floors.size, floors.shown('tenant/a', 8, 0)]).toEqual([0, 8]);
  });
});
