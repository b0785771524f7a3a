import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { repository } from '../support/index.js';

const CLI = join(repository, 'dist/apps/cli/src/main.js');
const TRACES = join(repository, '../shared/traces');
const SMALL = join(repository, 'test/fixtures/swf/small.swf');
const MINUTES = 60_000;

interface Answer {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

let dataDir: string;

/** Runs the built command line on a data directory of its own, with services of its own. */
function quipu(...args: string[]): Answer {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], QUIPU_DATA_DIR: dataDir, PORT: '0' };
  const result = spawnSync(process.execPath, ['--no-warnings', CLI, ...args], { env, encoding: 'utf8' });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

function json(...args: string[]): ReturnType<typeof JSON.parse> {
  const { status, out, err } = quipu(...args, '--json');
  if (status !== 0) throw new Error(`quipu ${args.join(' ')} ended with ${status}: ${err}`);
  return JSON.parse(out);
}

/** One job line, read as the check in the traces' README reads it. */
interface Job {
  readonly submit: number;
  readonly wait: number;
  readonly runtime: number;
  readonly processors: number;
  readonly user: string;
  readonly group: string;
}

function jobsOf(text: string): Job[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith(';'))
    .map((line) => line.trim().split(/\s+/))
    .filter((field) => field.length >= 18 && !(Number(field[10]) >= 2 && Number(field[10]) <= 4))
    .map((field) => ({
      submit: Number(field[1]),
      wait: Math.max(0, Number(field[2])),
      runtime: Math.max(0, Number(field[3])),
      processors: Number(field[4]) > 0 ? Number(field[4]) : Number(field[7]) > 0 ? Number(field[7]) : 1,
      user: `u${field[11]}`,
      group: `g${field[12]}`,
    }));
}

function nodeSeconds(jobs: readonly Job[]): number {
  return jobs.reduce((sum, job) => sum + job.runtime * job.processors, 0);
}

function groupedSeconds(jobs: readonly Job[]): Record<string, string> {
  const sums = new Map<string, number>();
  for (const job of jobs) {
    const key = `${job.group} ${job.user}`;
    sums.set(key, (sums.get(key) ?? 0) + nodeSeconds([job]));
  }
  return Object.fromEntries([...sums].filter(([, sum]) => sum > 0).map(([key, sum]) => [key, String(sum)]));
}

function usageByUser(): Record<string, string> {
  const { rows } = json('usage', '--by', 'tenant,user');
  return Object.fromEntries(
    rows.map((row: { tenant: string; user: string; total: string }) => [
      `${row.tenant} ${row.user}`,
      row.total,
    ]),
  );
}

beforeAll(() => {
  if (!existsSync(CLI))
    throw new Error('Build first: these tests drive the built command line (npm run build).');
  dataDir = mkdtempSync(join(tmpdir(), 'quipu-e2e-cli-'));
});

afterAll(() => {
  quipu('stop');
  rmSync(dataDir, { recursive: true, force: true });
});

describe('a workload of a few jobs, on a machine where nothing runs', () => {
  const jobs = jobsOf(readFileSync(SMALL, 'utf8'));

  it(
    'is imported by one command that brings up what it needs, and counted to the second',
    () => {
      const report = json('import', SMALL);
      expect(report).toMatchObject({ jobs: jobs.length, duplicates: 0, conflicts: 0, projected: true });
      expect(report.new).toBe(report.events);
      expect(json('usage').total).toBe(String(nodeSeconds(jobs)));
      expect(usageByUser()).toEqual(groupedSeconds(jobs));
    },
    3 * MINUTES,
  );

  it(
    'changes nothing when it comes again, gzipped, under another name, straight into the log',
    () => {
      const copy = join(dataDir, 'other-name.gz');
      writeFileSync(copy, gzipSync(readFileSync(SMALL)));
      const report = json('import', copy, '--via', 'log');
      expect(report.new).toBe(0);
      expect(json('usage').total).toBe(String(nodeSeconds(jobs)));
    },
    2 * MINUTES,
  );
});

const traces = existsSync(TRACES);
// The public traces lie beside the repository, not in it.
if (!traces)
  process.stderr.write(`e2e: ${TRACES} is not there; the tests of the public traces are skipped.\n`);

(traces ? describe : describe.skip)('the public traces, with the system running', () => {
  const nasa = join(TRACES, 'NASA-iPSC-1993-3.1-cln.swf.gz');
  const hpc2n = join(TRACES, 'HPC2N-2002-excerpt.swf.gz');
  const textOf = (path: string): string => gunzipSync(readFileSync(path)).toString('latin1');
  const small = jobsOf(readFileSync(SMALL, 'utf8'));

  beforeAll(() => {
    json('start', '--detach');
  }, 3 * MINUTES);

  it(
    'NASA comes to 474,238,015 node-seconds, also when it comes again',
    () => {
      const jobs = jobsOf(textOf(nasa));
      expect(nodeSeconds(jobs)).toBe(474_238_015);
      expect(json('import', nasa)).toMatchObject({ jobs: 18_239, events: 54_717, new: 54_717, skipped: [] });
      expect(usageByUser()).toEqual(groupedSeconds([...small, ...jobs]));
      expect(json('import', nasa)).toMatchObject({ events: 54_717, new: 0, duplicates: 54_717 });
    },
    3 * MINUTES,
  );

  it(
    'HPC2N comes to 503,655,194 on top, and every number survives verify',
    () => {
      const jobs = jobsOf(textOf(hpc2n));
      expect(nodeSeconds(jobs)).toBe(503_655_194);
      expect(json('import', hpc2n)).toMatchObject({ jobs: 3_170, events: 9_510, new: 9_510 });
      const total = 474_238_015 + 503_655_194 + nodeSeconds(small);
      expect(json('usage').total).toBe(String(total));
      expect(json('verify')).toMatchObject({ ok: true, differences: 0, redis: { compared: true } });
    },
    3 * MINUTES,
  );

  it(
    'HPC2N ending now has the jobs waiting and running that the file has at that instant',
    () => {
      const jobs = jobsOf(textOf(hpc2n));
      const report = json('import', hpc2n, '--ending', 'now', '--tenant-by', '=live');
      const last = Math.max(...jobs.map((job) => job.submit));
      const waiting = jobs.filter((job) => job.submit + job.wait > last).length;
      const running = jobs.filter((job) => {
        const start = job.submit + job.wait;
        return start <= last && start + job.runtime > last;
      }).length;
      expect(report.leftOut).toBeGreaterThan(0);
      const { rows } = json('queues', '--tenant', 'live');
      const sum = (name: string): number =>
        rows.reduce((all: number, row: Record<string, number>) => all + (row[name] ?? 0), 0);
      expect([sum('queued'), sum('inProgress')]).toEqual([waiting, running]);
      expect(json('verify')).toMatchObject({ ok: true });
    },
    3 * MINUTES,
  );
});
