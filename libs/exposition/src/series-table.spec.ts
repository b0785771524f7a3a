import fc from 'fast-check';
import { labelText } from './labels.js';
import { renderText } from './render.js';
import { SeriesTable } from './series-table.js';

const named = (n: number): ReturnType<typeof labelText> => labelText([['n', String(n)]]);

describe('the series a process keeps', () => {
  it('are read where their values are, at every rendering', () => {
    const table = new SeriesTable();
    const sources = Array.from({ length: 2_000 }, (_, n) => ({ value: String(n) }));
    for (const [n, source] of sources.entries()) table.set(named(n), source);
    const render = (): string => [...table.texts('m')].join('');
    const first = render();
    expect(render()).toBe(first);
    sources[7]!.value = 'seven';
    expect(render()).toBe(first.replace('{n="7"} 7\n', '{n="7"} seven\n'));
    table.set(named(7), { value: 8n });
    expect(render()).toBe(first.replace('{n="7"} 7\n', '{n="7"} 8\n'));
    expect([...table.texts('other')].join('')).toBe(render().replaceAll('m{', 'other{'));
  });

  it('are written as any others are, with when counting began and without labels too', () => {
    const head = { name: 'm', help: 'M.', type: 'counter' as const };
    for (const labels of [[named(1), named(2)], [labelText([])]]) {
      const table = new SeriesTable();
      for (const text of labels) table.set(text, { value: 3 });
      for (const created of [undefined, '5', '6']) {
        table.created = created;
        for (const format of ['openmetrics', 'text'] as const) {
          const expected = renderText([{ ...head, series: [...table] }], format);
          expect(renderText([{ ...head, series: table }], format)).toBe(expected);
        }
      }
    }
  });

  it('are those of a plain map, sorted, after any changes', () => {
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
            table.set(named(n), { value });
            plain.set(named(n), value);
          }
          if (render && n % 50 === 0) checkText(table, plain);
        }
        checkText(table, plain);
        expect(table.size).toBe(plain.size);
        for (const { n } of changes.slice(0, 50)) {
          expect(table.get(named(n))?.value).toBe(plain.get(named(n)));
        }
      }),
      { numRuns: 6 },
    );
  });

  it('come by the values of their labels, also when some sort otherwise than their texts, from then on', () => {
    const ends = ['', ' 1', '!', '"', '#', '-1', '\\', 'x'];
    const values = Array.from({ length: 200 }, (_, n) => String(1_000 + n)).flatMap((n) =>
      ends.map((end) => n + end),
    );
    const texts = values.map((value) =>
      labelText([
        ['n', value],
        ['m', 'same'],
      ]),
    );
    // Those that sort like their texts first; the others in any order.
    const order = [...texts.keys()].sort(
      (a, b) => Number(a % 8 > 0) - Number(b % 8 > 0) || ((a * 7) % 1_600) - ((b * 7) % 1_600),
    );
    const table = new SeriesTable();
    for (const at of order) table.set(texts[at]!, { value: at });
    expect([...table].map(({ value }) => value)).toEqual([...texts.keys()]);
    for (const at of order) expect(table.get(texts[at]!)?.value).toBe(at);
    for (const at of order.filter((one) => one % 3 > 0)) expect(table.delete(texts[at]!)).toBe(true);
    expect([...table].map(({ value }) => value)).toEqual([...texts.keys()].filter((at) => at % 3 === 0));
  });
});

function checkText(table: SeriesTable, plain: ReadonlyMap<string, number>): void {
  const expected = [...plain].sort(([a], [b]) => (a < b ? -1 : 1));
  expect([...table].map(({ labels, value }) => [labels, value])).toEqual(expected);
  expect([...table.texts('m')].join('')).toBe(
    expected.map(([labels, value]) => `m{${labels}} ${value}\n`).join(''),
  );
}
