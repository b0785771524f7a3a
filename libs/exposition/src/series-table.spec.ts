import fc from 'fast-check';
import { labelText } from './labels.js';
import { SeriesTable } from './series-table.js';

const named = (n: number): ReturnType<typeof labelText> => labelText([['n', String(n)]]);

describe('the series a process keeps', () => {
  it('lists the same array while only values change', () => {
    const table = new SeriesTable();
    table.set(named(2), 1);
    table.set(named(1), 1);
    const before = table.list();
    table.set(named(2), 5);
    expect(table.list()).toBe(before);
    expect(before.map(({ labels, value }) => [labels, value])).toEqual([
      [named(1), 1],
      [named(2), 5],
    ]);
  });

  it('lists what a plain map would, sorted, after any changes', () => {
    const change = fc.record({ n: fc.nat(30), value: fc.option(fc.nat()), list: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const table = new SeriesTable();
        const plain = new Map<string, number>();
        for (const { n, value, list } of changes) {
          if (value === null) {
            table.delete(named(n));
            plain.delete(named(n));
          } else {
            table.set(named(n), value);
            plain.set(named(n), value);
          }
          if (list) table.list();
        }
        const expected = [...plain].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(table.list().map(({ labels, value }) => [labels, value])).toEqual(expected);
        expect(table.size).toBe(plain.size);
      }),
    );
  });
});
