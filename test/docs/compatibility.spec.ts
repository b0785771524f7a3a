import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const DIALECTS = [
  ['Coopr', 'coopr', 'coopr.json'],
  ['Debusine', 'debusine', 'debusine.json'],
  ['restic-manager', 'restic', 'restic-manager.json'],
  ['Proxmox', 'pbs', 'pbs.json'],
  ['Proxmox VE', 'pve', 'pve.json'],
] as const;
const page = readFileSync(join(root, 'docs/compatibility.md'), 'utf8');

describe.each(DIALECTS)('docs/compatibility.md on %s', (_, prefix, file) => {
  const conformance = join(root, '../shared/conformance', file);
  const row = new RegExp(`^\\| (${prefix}\\.[\\w.]+) +\\| (\\w+) +\\| (.*?) *\\|$`, 'gm');
  const rows = [...page.matchAll(row)].map(([, id, result, why]) => ({
    id: id!,
    result: result!,
    why: why!,
  }));

  it('gives each case one result, and a reason unless it passes', () => {
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
