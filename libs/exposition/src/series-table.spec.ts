import fc from 'fast-check';
import { labelText } from './labels.js';
import { SeriesTable } from './series-table.js';

const named = (n: number): ReturnType<typeof labelText> => labelText([['n', String(n)]]);

describe('the series a process keeps', () => {
  it('renders only what changed since the last time', () => {
    const table = new SeriesTable();
    for (let n = 0; n < 2_000; n += 1) table.set(named(n), n);
    let written = 0;
    const render = (key: string): string =>
      [...table.texts(key, (labels, value) => ((written += 1), `${labels} ${String(value)}\n`))].join('');
    const first = render('a');
    expect(written).toBe(2_000);
    expect(render('a')).toBe(first);
    expect(written).toBe(2_000);
    table.set(named(7), 'seven');
    expect(render('a')).toBe(first.replace('"7" 7\n', '"7" seven\n'));
    expect(written - 2_000).toBeLessThan(300);
    written = 0;
    render('b');
    expect(written).toBe(2_000);
  });

  it('keeps when counting began', () => {
    const table = new SeriesTable();
    table.set(named(1), 1, 5);
    table.set(named(1), 2);
    expect([...table]).toEqual([{ labels: named(1), value: 2, created: 5 }]);
  });

  it('lists what a plain map would, sorted, after any changes', () => {
    const change = fc.record({
      n: fc.nat(900),
      value: fc.option(fc.nat(), { freq: 3 }),
      render: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 700, maxLength: 1_200, size: 'max' }), (changes) => {
        const table = new SeriesTable();
        const plain = new Map<string, number>();
        for (const { n, value, render } of changes) {
          if (value === null) {
            expect(table.delete(named(n))).toBe(plain.delete(named(n)));
          } else {
            table.set(named(n), value);
            plain.set(named(n), value);
          }
          if (render && n % 50 === 0) checkText(table, plain);
        }
        checkText(table, plain);
        expect(table.size).toBe(plain.size);
        for (const { n } of changes.slice(0, 50)) expect(table.get(named(n))).toBe(plain.get(named(n)));
      }),
      { numRuns: 6 },
    );
  });
});

function checkText(table: SeriesTable, plain: ReadonlyMap<string, number>): void {
  const expected = [...plain].sort(([a], [b]) => (a < b ? -1 : 1));
  expect([...table].map(({ labels, value }) => [labels, value])).toEqual(expected);
  const texts = table.texts('k', (labels, value) => `${labels} ${String(value)}\n`);
  expect([...texts].join('')).toBe(expected.map(([labels, value]) => `${labels} ${value}\n`).join(''));
}
