import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { repository } from '../support/index.js';
import { removeDirectories, temporaryDirectory } from '../support/launcher.js';

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

/** The environment of a command: a data directory of its own, with services of its own. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: process.env['HOME'], QUIPU_DATA_DIR: dataDir, PORT: '0' };
}

/** Runs the built command line. */
function quipu(...args: string[]): Answer {
  const env = environment();
  const result = spawnSync(process.execPath, ['--no-warnings', CLI, ...args], { env, encoding: 'utf8' });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

function json(...args: string[]): ReturnType<typeof JSON.parse> {
  const { status, out, err } = quipu(...args, '--json');
  if (status !== 0) throw new Error(`quipu ${args.join(' ')} ended with ${status}: ${err}`);
  return JSON.parse(out);
}

/** Starts the built command line and lets it run. */
function startQuipu(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--no-warnings', CLI, ...args], { env: environment(), stdio: 'ignore' });
}

/** Pids of projectors that work on our data directory. */
function projectors(): string[] {
  const readable = (path: string): string => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => readable(`/proc/${pid}/cmdline`).includes('projector/src/main.js'))
    .filter((pid) => readable(`/proc/${pid}/environ`).includes(`QUIPU_DATA_DIR=${dataDir}\0`));
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await sleep(50);
}

/** A workload of `jobs` jobs that hold one node for ten seconds each. */
function evenWorkload(jobs: number): string {
  const path = join(dataDir, 'even.swf');
  const lines = Array.from(
    { length: jobs },
    (_, i) => `${i + 1} ${i} 5 10 1 -1 -1 1 -1 -1 1 1 1 -1 0 1 -1 -1`,
  );
  writeFileSync(path, `; Computer: even\n; UnixStartTime: 1600000000\n${lines.join('\n')}\n`);
  return path;
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
  dataDir = temporaryDirectory(0o755, 'quipu-e2e-cli-');
});

afterAll(async () => {
  quipu('stop');
  await removeDirectories();
}, 1 * MINUTES);

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

describe('an import that is killed half-way', () => {
  const JOBS = 15_000;

  // Processes are found through /proc.
  (existsSync('/proc/self/environ') ? it : it.skip)(
    'leaves no projector behind that it had started for itself',
    async () => {
      const child = startQuipu('import', evenWorkload(JOBS));
      await until(() => projectors().length > 0);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await until(() => projectors().length === 0);
    },
    1 * MINUTES,
  );

  it(
    'adds what is missing when it is repeated, and nothing twice',
    async () => {
      const small = nodeSeconds(jobsOf(readFileSync(SMALL, 'utf8')));
      const file = evenWorkload(JOBS);
      json('start', '--detach');
      const child = startQuipu('import', file);
      await until(() => BigInt(json('status').log.position) > 3_000n);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const report = json('import', file);
      expect(report).toMatchObject({ jobs: JOBS, events: 3 * JOBS, conflicts: 0 });
      expect(report.new + report.duplicates).toBe(3 * JOBS);
      expect(json('usage').total).toBe(String(small + JOBS * 10));
      expect(json('import', file, '--via', 'log').new).toBe(0);
      expect(json('verify')).toMatchObject({ ok: true });
      quipu('stop');
    },
    4 * MINUTES,
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

  beforeAll(() => {
    // A ledger of its own, so that the totals are those of the traces and nothing else.
    dataDir = temporaryDirectory(0o755, 'quipu-e2e-cli-');
    json('start', '--detach');
  }, 3 * MINUTES);

  it(
    'NASA comes to 474,238,015 node-seconds, also when it comes again',
    () => {
      const jobs = jobsOf(textOf(nasa));
      expect(nodeSeconds(jobs)).toBe(474_238_015);
      expect(json('import', nasa)).toMatchObject({ jobs: 18_239, events: 54_717, new: 54_717, skipped: [] });
      expect(usageByUser()).toEqual(groupedSeconds(jobs));
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
      expect(json('usage').total).toBe(String(474_238_015 + 503_655_194));
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
