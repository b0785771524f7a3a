import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { Random } from '../demo/random.js';

/** How a workload's jobs differ from each other: what usage is summed under. */
export interface WorkloadShape {
  readonly tenants: number;
  /** Share of the jobs that belong to the largest tenant, 0 to 1. */
  readonly largestShare: number;
  readonly usersPerTenant: number;
  readonly queues: number;
  readonly clusters: number;
}

/** Many of everything: 20 tenants, 200 users, 6 queues, 8 clusters; nearly every job meets sums of its own. */
export const WIDE: WorkloadShape = {
  ...{ tenants: 20, largestShare: 0.5, usersPerTenant: 10, queues: 6, clusters: 8 },
};

/** As the NASA iPSC trace of 1993 is: two groups, one with 82 % of the jobs, 69 users, one queue, one partition. */
export const AS_TRACED: WorkloadShape = {
  ...{ tenants: 2, largestShare: 0.82, usersPerTenant: 35, queues: 1, clusters: 1 },
};

/** A workload made for measuring. */
export interface SyntheticWorkload {
  /** Part of its name, so that no two share an id. */
  readonly name: string;
  readonly jobs: number;
  /** Submits are spread evenly over this long (s), with some jitter. */
  readonly spanSeconds: number;
  /** Longest run time (s). */
  readonly longestRun: number;
  /** Longest wait (s); a quarter of the longest run unless given. */
  readonly longestWait?: number;
  /** {@link WIDE} unless given. */
  readonly shape?: WorkloadShape;
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
  const { longestRun, longestWait = Math.ceil(longestRun / 4), shape = WIDE } = workload;
  const random = new Random(first);
  let lines = '';
  for (let job = first; job < first + workload.jobs; job += 1) {
    const share = random.next();
    const group = share < shape.largestShare ? 1 : random.between(2, shape.tenants);
    const submit = Math.floor(((job - first) * workload.spanSeconds) / workload.jobs);
    const wait = random.between(0, longestWait);
    const runtime = random.between(1, longestRun);
    const status = random.chance(0.9) ? 1 : random.pick([0, 5]);
    const user = group * 1000 + random.between(1, shape.usersPerTenant);
    const cluster = workload.clusterPerJob ? job : random.between(1, shape.clusters);
    lines +=
      `${job} ${submit} ${wait} ${runtime} ${random.between(1, 64)} -1 -1 -1 -1 -1 ${status} ` +
      `${user} ${group} -1 ${random.between(1, shape.queues)} ${cluster} -1 -1\n`;
    if (lines.length > 60_000) {
      yield lines;
      lines = '';
    }
  }
  if (lines !== '') yield lines;
}
