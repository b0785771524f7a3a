import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { Random } from '../demo/random.js';

/** A workload made for measuring. */
export interface SyntheticWorkload {
  /** Part of its name, so that no two share an id. */
  readonly name: string;
  readonly jobs: number;
  /** Submits are spread evenly over this long (s), with some jitter. */
  readonly spanSeconds: number;
  /** Longest run time (s). */
  readonly longestRun: number;
  /** Every job has a cluster of its own: the hardest case for sums by cluster. */
  readonly clusterPerJob: boolean;
  /** Number of the first job, to add to a workload written before. */
  readonly firstJob?: number;
}

/** Submits of all synthetic workloads count from here (2025-01-01T00:00:00Z). */
export const SYNTHETIC_START_S = 1_735_689_600;
/** The tenant with about half of all jobs. */
export const LARGEST_TENANT = 'g1';
/** One of its users, with about a twentieth of its jobs. */
export const ONE_OF_ITS_USERS = 'u1001';

const USERS = 200;
const TENANTS = 20;

/** Writes a workload in the Standard Workload Format; the same one every time. */
export async function writeWorkload(path: string, workload: SyntheticWorkload): Promise<void> {
  const out = createWriteStream(path);
  out.write(
    `; Computer: bench ${workload.name}\n; Installation: none\n; UnixStartTime: ${SYNTHETIC_START_S}\n;\n`,
  );
  for (const lines of workloadLines(workload)) {
    if (!out.write(lines)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}

function* workloadLines(workload: SyntheticWorkload): Generator<string> {
  const first = workload.firstJob ?? 1;
  const random = new Random(first);
  let lines = '';
  for (let job = first; job < first + workload.jobs; job += 1) {
    const share = random.next();
    const group = share < 0.5 ? 1 : random.between(2, TENANTS);
    const submit = Math.floor(((job - first) * workload.spanSeconds) / workload.jobs);
    const wait = random.between(0, Math.ceil(workload.longestRun / 4));
    const runtime = random.between(1, workload.longestRun);
    const status = random.chance(0.9) ? 1 : random.pick([0, 5]);
    const user = group * 1000 + random.between(1, USERS / TENANTS);
    const cluster = workload.clusterPerJob ? job : random.between(1, 8);
    lines +=
      `${job} ${submit} ${wait} ${runtime} ${random.between(1, 64)} -1 -1 -1 -1 -1 ${status} ` +
      `${user} ${group} -1 ${random.between(1, 6)} ${cluster} -1 -1\n`;
    if (lines.length > 60_000) {
      yield lines;
      lines = '';
    }
  }
  if (lines !== '') yield lines;
}
