import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SAMPLE_FAMILIES } from '../test/sample-families.js';
import { labelText } from './labels.js';
import { renderChunks, renderText, renderYielding, sortFamilies } from './render.js';
import { type Family, type Format, type Series } from './types.js';

const GOLDEN = join(import.meta.dirname, '../test/golden');

/** Compares with a file; UPDATE_GOLDEN=1 writes it, for a person to read the difference. */
function expectGolden(file: string, text: string): void {
  const path = join(GOLDEN, file);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

function manySeries(count: number): Series[] {
  return Array.from({ length: count }, (_, i) => ({ labels: labelText([['i', String(i)]]), value: i }));
}

describe('rendering', () => {
  it.each<[Format, string]>([
    ['openmetrics', 'sample.openmetrics.txt'],
    ['text', 'sample.text.txt'],
  ])('writes %s as the golden file has it', (format, file) => {
    expectGolden(file, renderText(SAMPLE_FAMILIES, format));
  });

  it('cuts between lines, about where it is told, and loses nothing', () => {
    const family: Family = { name: 'n', type: 'gauge', help: 'N.', series: manySeries(10_000) };
    const chunks = [...renderChunks([family], 'text', { chunkLength: 10_000 })];
    expect(chunks.length).toBeGreaterThan(5);
    for (const chunk of chunks) {
      expect(chunk.endsWith('\n')).toBe(true);
      expect(chunk.length).toBeLessThan(20_000);
    }
    expect(chunks.join('')).toBe(renderText([family], 'text'));
  });

  it('pauses after every chunk', async () => {
    const family: Family = { name: 'n', type: 'gauge', help: 'N.', series: manySeries(10_000) };
    let pauses = 0;
    const pause = (): Promise<void> => {
      pauses += 1;
      return Promise.resolve();
    };
    const chunks = await renderYielding([family], 'openmetrics', pause, { chunkLength: 10_000 });
    expect(pauses).toBe(chunks.length);
    expect(chunks.join('')).toBe(renderText([family], 'openmetrics'));
  });

  it('leaves out # EOF for a block that others follow', () => {
    expect(renderText([], 'openmetrics', { end: false })).toBe('');
    expect(renderText([], 'openmetrics')).toBe('# EOF\n');
    expect(renderText([], 'text')).toBe('');
  });

  it('names a unit only where the name ends with it', () => {
    const named = (name: string): Family => ({ name, type: 'gauge', help: 'H.', unit: 'bytes', series: [] });
    expect(renderText([named('size_bytes')], 'openmetrics')).toContain('# UNIT size_bytes bytes\n');
    expect(renderText([named('file_store_size')], 'openmetrics')).not.toContain('UNIT');
    expect(renderText([named('size_bytes')], 'text')).not.toContain('UNIT');
  });

  it('sorts families by name for those who have no order', () => {
    expect(sortFamilies([{ name: 'b' }, { name: 'a_b' }, { name: 'a' }]).map(({ name }) => name)).toEqual([
      'a',
      'a_b',
      'b',
    ]);
  });
});
