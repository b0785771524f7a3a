import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../../fixtures/crash/cluster.swf');

/** What an import of a workload must come to, counted over its lines and by nothing of ours. */
export interface WorkloadTruth {
  readonly events: number;
  /** Σ allocated processors × run time, in seconds, of every job that is no partial line. */
  readonly nodeSeconds: bigint;
  /** The same per tenant (`g<group>`). */
  readonly byTenant: ReadonlyMap<string, bigint>;
}

/**
 * Writes `copies` of the committed workload, one after the other in time and with job numbers of their own,
 * to `path`: long enough for something to be killed in the middle of importing it. Files of another
 * `computer` hold other jobs.
 */
export function writeCluster(path: string, copies: number, computer: string): WorkloadTruth {
  const lines = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  const header = lines
    .filter((line) => line.startsWith(';'))
    .map((line) => line.replace(/^; Computer: .*/, `; Computer: ${computer}`));
  const jobs = lines.filter((line) => !line.startsWith(';')).map((line) => line.split(' ').map(Number));
  const span = Math.max(...jobs.map((job) => field(job, 2))) + 60;
  const copied = Array.from({ length: copies }, (_, copy) =>
    jobs.map((job) => job.with(0, field(job, 1) + copy * jobs.length).with(1, field(job, 2) + copy * span)),
  ).flat();
  writeFileSync(path, [...header, ...copied.map((job) => job.join(' '))].join('\n') + '\n');
  return truthOf(copied);
}

function truthOf(jobs: readonly number[][]): WorkloadTruth {
  const byTenant = new Map<string, bigint>();
  let events = 0;
  let nodeSeconds = 0n;
  for (const job of jobs) {
    const status = field(job, 11);
    if (status >= 2 && status <= 4) continue;
    const run = field(job, 4);
    const processors = [field(job, 5), field(job, 8), 1].find((n) => n > 0) ?? 1;
    const used = run < 0 ? 0n : BigInt(run) * BigInt(processors);
    const tenant = `g${field(job, 13)}`;
    events += 3;
    nodeSeconds += used;
    byTenant.set(tenant, (byTenant.get(tenant) ?? 0n) + used);
  }
  return { events, nodeSeconds, byTenant };
}

/** Field `n` of a workload line, counted from 1 as its format's description does. */
function field(job: readonly number[], n: number): number {
  const value = job[n - 1];
  if (value === undefined) throw new Error(`A workload line has no field ${n}: ${job.join(' ')}`);
  return value;
}
