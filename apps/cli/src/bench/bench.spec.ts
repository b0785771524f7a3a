import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSwfLine } from '../import/swf-line.js';
import { type BenchRow, percentile, verdictOf } from './bench-row.js';
import { writeWorkload } from './synthetic-workload.js';

const ROW: BenchRow = {
  ...{ bench: 'import', name: 'x', ours: '', reference: '', unit: 'events/s' },
  ...{ oursValue: 10, referenceValue: 40, ratio: 0.25, floor: null },
};

describe('the verdict on a line of the bench', () => {
  it.each([
    [null, null],
    [{ of: 'ratio', at: 'least', value: 0.2 }, true],
    [{ of: 'ratio', at: 'least', value: 0.3 }, false],
    [{ of: 'ours', at: 'most', value: 10 }, true],
    [{ of: 'ours', at: 'most', value: 9 }, false],
  ] as const)('with floor %j is %s', (floor, verdict) => {
    expect(verdictOf({ ...ROW, floor })).toBe(verdict);
  });

  it('is a miss where nothing was measured', () => {
    expect(verdictOf({ ...ROW, ratio: null, floor: { of: 'ratio', at: 'least', value: 1 } })).toBe(false);
  });
});

describe('a percentile', () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ])('of %s is the nearest rank', (share, value) => {
    expect(percentile(samples, share)).toBe(value);
  });
});

describe('a synthetic workload', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quipu-workload-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('is the same every time, all jobs, and lies in its span', async () => {
    const workload = { name: 'test', jobs: 2_000, spanSeconds: 3_000, longestRun: 100, clusterPerJob: true };
    const [one, two] = [join(directory, 'one'), join(directory, 'two')];
    await writeWorkload(one, workload);
    await writeWorkload(two, workload);
    const text = readFileSync(one, 'utf8');
    expect(readFileSync(two, 'utf8')).toBe(text);
    const jobs = text.split('\n').flatMap((line) => {
      const parsed = parseSwfLine(line);
      return parsed.kind === 'job' ? [parsed.job] : [];
    });
    expect(jobs).toHaveLength(2_000);
    expect(new Set(jobs.map((job) => job.partition)).size).toBe(2_000);
    expect(Math.max(...jobs.map((job) => job.submit + job.wait + job.runtime))).toBeLessThan(3_200);
    const share = jobs.filter((job) => job.group === '1').length / jobs.length;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.6);
  });
});
