import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginRun, deadRuns, type DemoNode, heldNodes, noteNode } from './demo-run.js';

describe('a run of the demo', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'quipu-demo-run-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const node = (name: string): DemoNode => ({ tenant: 'acme', subject: `node/c/${name}`, life: 'l1' });

  it('knows the nodes it holds from its notes, also when some were cut off', () => {
    const run = beginRun(directory, 1_000);
    expect(heldNodes(run)).toEqual([]);
    noteNode(run, 'taken', node('a'));
    // The disk was full; later there was room again.
    appendFileSync(join(run.directory, 'nodes'), '{"what":"taken","tena');
    appendFileSync(join(run.directory, 'nodes'), 'null\n{"what":"taken"}\n7');
    noteNode(run, 'taken', node('b'));
    noteNode(run, 'given-back', node('a'));
    noteNode(run, 'taken', node('c'));
    // Killed in the middle of a line.
    appendFileSync(join(run.directory, 'nodes'), '{"what":"given-back","tenant":"acme","sub');
    expect(heldNodes(run)).toEqual([node('b'), node('c')]);
  });

  it('is dead when its process is', () => {
    beginRun(directory, 1_000);
    expect(deadRuns(directory)).toEqual([]);
  });
});
