import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as contracts from './index.js';

const ROOT = join(import.meta.dirname, '../../..');

/** The generator is plain JavaScript that runs on the build; here it runs on the sources. */
interface Generator {
  generateEventDocs(module: typeof contracts): Promise<string>;
}

describe('docs/events.md', () => {
  it('is what the catalogue generates (else: build, and run node tools/generate-event-docs.mjs)', async () => {
    const generator = (await import(
      pathToFileURL(join(ROOT, 'tools/generate-event-docs.mjs')).href
    )) as Generator;
    const page = await generator.generateEventDocs(contracts);
    expect(readFileSync(join(ROOT, 'docs/events.md'), 'utf8')).toBe(page);
  });

  it('describes every type of the catalogue, with a word on every field', () => {
    const described = contracts.describeCatalogue();
    expect(described.map(({ type }) => type)).toEqual(Object.keys(contracts.catalogue));
    for (const { type, subjectPrefix, summary, fields } of described) {
      expect(`${type}`.startsWith(subjectPrefix.replace('/', '.'))).toBe(true);
      expect(summary).toMatch(/\.$/);
      for (const field of fields) expect(field.about).toMatch(/\.$/);
    }
  });
});
