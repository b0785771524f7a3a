import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as ledger from '../index.js';

const ROOT = join(import.meta.dirname, '../../../..');

/** The generator is plain JavaScript that runs on the build; here it runs on the sources. */
interface Generator {
  generateMetricDocs(module: typeof ledger): Promise<string>;
}

describe('docs/metrics.md', () => {
  it('is what the catalogue generates (else: build, and run node tools/generate-metric-docs.mjs)', async () => {
    const path = pathToFileURL(join(ROOT, 'tools/generate-metric-docs.mjs')).href;
    const page = await ((await import(path)) as Generator).generateMetricDocs(ledger);
    expect(readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8')).toBe(page);
  });
});

describe('the catalogue', () => {
  const { metricFamilies } = ledger;

  it('names each family once, with legal names of labels', () => {
    const names = metricFamilies.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, labels, tenantLabel, zeroRows = {}, hidden = [] } of metricFamilies) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      for (const label of labels) expect(label).toMatch(/^[a-z][a-z_]*$/);
      expect([...labels, null]).toContain(tenantLabel);
      expect(labels).toEqual(expect.arrayContaining([...Object.keys(zeroRows), ...hidden]));
    }
  });

  it('has units that names end in, and help for each', () => {
    for (const { name, unit, help } of metricFamilies) {
      if (unit !== undefined) expect(name.endsWith(`_${unit}`)).toBe(true);
      expect(help.length).toBeGreaterThan(5);
    }
  });

  it('has ascending buckets', () => {
    for (const { buckets = [] } of metricFamilies) {
      expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
    }
  });
});
