import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const conformance = join(root, '../shared/conformance/coopr.json');
const page = readFileSync(join(root, 'docs/compatibility.md'), 'utf8');
const rows = [...page.matchAll(/^\| (coopr\.[\w.]+) +\| (\w+) +\| (.*?) *\|$/gm)].map(
  ([, id, result, why]) => ({
    id: id!,
    result: result!,
    why: why!,
  }),
);

describe('docs/compatibility.md', () => {
  it('gives each Coopr case one result, and a reason unless it passes', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    for (const { id, result, why } of rows) {
      expect([id, ['pass', 'deviation', 'internal'].includes(result)]).toEqual([id, true]);
      expect([id, why !== '']).toEqual([id, result !== 'pass']);
    }
  });

  // The shared cases lie beside the repository, not in it.
  (existsSync(conformance) ? it : it.skip)('lists every shared case and no other', () => {
    const { cases } = JSON.parse(readFileSync(conformance, 'utf8')) as { cases: { id: string }[] };
    expect(rows.map(({ id }) => id).sort()).toEqual(cases.map(({ id }) => id).sort());
  });
});
