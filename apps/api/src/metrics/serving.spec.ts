import { foldSeries, labelText, OTHER, type Series } from '@quipu/exposition';
import { ConfigError } from '@quipu/platform';
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sortBy } from './breathe.js';
import { foldRows } from './fold-rows.js';
import { acceptsGzip } from './send-exposition.js';
import { readVocabulary } from './vocabulary.js';

describe('sortBy', () => {
  it('sorts as sorting does, however many there are', async () => {
    const texts = fc.array(fc.string(), { maxLength: 3_500 });
    await fc.assert(
      fc.asyncProperty(texts, async (all) => {
        const sorted = await sortBy(all, (text) => text);
        expect(sorted).toEqual([...all].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
      }),
      { numRuns: 20 },
    );
  });
});

describe('foldRows', () => {
  const rows = (count: number): Series[] =>
    Array.from({ length: count }, (_, i) => ({
      labels: labelText([['i', String(i)]]),
      value: `9007199254740${i}`,
    }));

  it('folds ages to the greatest, and what is called like the fold into it', async () => {
    const other = labelText([['i', OTHER]]);
    const named = (i: string, value: string): Series => ({ labels: labelText([['i', i]]), value });
    const some = [named(OTHER, '7.5'), named('a', '100'), named('b', '20.25'), named('c', '9')];
    const shown = async (to: 'sum' | 'max' | 'min') => {
      const { rows, cut } = await foldRows(some, 3, other, to);
      return [cut, ...rows.map(({ labels, value }) => `${labels} ${String(value)}`)];
    };
    expect(await shown('sum')).toEqual([3, 'i="a" 100', 'i="__other__" 36.75']);
    expect(await shown('max')).toEqual([3, 'i="a" 100', 'i="__other__" 20.25']);
    expect(await shown('min')).toEqual([3, 'i="a" 100', 'i="__other__" 7.5']);
  });

  it('sums exactly what is over the budget, as folding at once does', async () => {
    const other = labelText([['i', OTHER]]);
    for (const [count, budget] of [
      [5, 10],
      [10, 10],
      [11, 10],
      [3_500, 10],
      [2_500, 1],
    ] as const) {
      const expected = foldSeries(rows(count), budget, other);
      const folded = await foldRows(rows(count), budget, other);
      expect([folded.cut, folded.rows.map(({ labels, value }) => `${labels} ${value}`)]).toEqual([
        expected.folded,
        expected.series.map(({ labels, value }) => `${labels} ${value}`),
      ]);
    }
  });
});

describe('acceptsGzip', () => {
  it('goes by the header, q-values included', () => {
    for (const header of ['gzip', 'br, gzip', 'deflate, GZIP;q=0.1', '*', 'x-gzip', 'identity, *;q=0.5']) {
      expect([header, acceptsGzip(header)]).toEqual([header, true]);
    }
    for (const header of [undefined, '', 'br', 'gzip;q=0', '*, gzip;q=0', '*;q=0', 'gzipped']) {
      expect([header, acceptsGzip(header)]).toEqual([header, false]);
    }
  });
});

describe('readVocabulary', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'vocabulary-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const read = (text: string) => {
    const file = join(directory, 'vocabulary.json');
    writeFileSync(file, text);
    return readVocabulary(file);
  };

  it('takes lists of names, all of them optional', () => {
    expect(read('{"tasks":{"Worker":["sbuild"]},"issuers":["salsa"]}')).toMatchObject({
      tasks: { Worker: ['sbuild'] },
      issuers: ['salsa'],
      workflows: [],
    });
  });

  it('says what is wrong with a file, and with which', () => {
    for (const wrong of ['{', '[]', '{"task":{}}', '{"workflows":"sbuild"}', '{"workflows":[""]}']) {
      expect(() => read(wrong)).toThrow(ConfigError);
      expect(() => read(wrong)).toThrow('vocabulary.json');
    }
    expect(() => readVocabulary(join(directory, 'absent'))).toThrow(ConfigError);
  });

  it('ships one for Debusine', () => {
    const { tasks, artifactCategories } = readVocabulary(
      join(import.meta.dirname, '../../../../deploy/debusine/vocabulary.json'),
    );
    expect(Object.keys(tasks)).toEqual(['Worker', 'Server', 'Signing', 'Wait', 'Workflow']);
    expect(artifactCategories).toHaveLength(16);
  });
});
