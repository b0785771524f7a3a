import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Reporter } from '@quipu/reporter';
import { type Services } from '../support/services.js';
import { type Agenda } from './agenda.js';
import { BYTES_PER_SECOND } from './demo-inputs.js';
import {
  type DemoNode,
  type DemoRun,
  inputsOf,
  noteNode,
  prefixOf,
  storeNameOf,
  storeOf,
  workersOf,
} from './demo-run.js';
import { type Random } from './random.js';
import { DEMO_TENANTS, type DemoTenant } from './tenants.js';
import { WorkerProcess } from './worker-process.js';

/** What was done to the workers. */
export interface Incidents {
  killed: number;
  frozen: number;
  restarted: number;
}

/** A job goes to another worker so soon after its own was heard of last. */
const LOCK_MS = 1_500;
const LEASE_SECONDS = 6;
const FIRST_INCIDENT_MS = 3_000;
const INCIDENTS_PER_RUN = 6;
const SHORTEST_PEACE_MS = 2_000;
const LONGEST_PEACE_MS = 8_000;
const FREEZE_MS = [1_500, 4_000] as const;

/** The workers of all tenants, each on a node that comes and goes with it, and what befalls them. */
export class WorkerFleet {
  readonly incidents: Incidents = { killed: 0, frozen: 0, restarted: 0 };
  /** Aborted, with an error that says what to do, when workers cannot be kept running. */
  readonly broken: AbortSignal;
  private readonly workers: WorkerProcess[];

  constructor(
    services: Services,
    private readonly run: DemoRun,
    private readonly reporter: Reporter,
    private readonly random: Random,
  ) {
    const controller = new AbortController();
    this.broken = controller.signal;
    const { dataDir } = services.config;
    mkdirSync(join(dataDir, 'log'), { recursive: true });
    const logFile = join(dataDir, 'log', 'demo-workers.log');
    this.workers = DEMO_TENANTS.flatMap((tenant) =>
      workersOf(run, tenant).map(({ name, pool }) => {
        const node = this.node(tenant, pool.name, name);
        const env = {
          ...{ PATH: process.env['PATH'], REDIS_URL: services.redisUrl, QUIPU_LOG_LEVEL: 'warn' },
          QUIPU_WORKER_LEASE_SECONDS: String(LEASE_SECONDS),
          QUIPU_WORKER_TENANT: tenant.id,
          QUIPU_WORKER_NAME: name,
          QUIPU_WORKER_POOL: pool.name,
          QUIPU_WORKER_HOST: name,
          QUIPU_WORKER_ARCHITECTURES: pool.architectures.join(','),
          QUIPU_WORKER_QUEUES: tenant.queues.join(','),
          QUIPU_WORKER_CONCURRENCY: String(tenant.concurrency),
          QUIPU_WORKER_JOBS_PREFIX: prefixOf(run),
          QUIPU_WORKER_LOCK_MS: String(LOCK_MS),
          QUIPU_WORKER_INPUT_DIR: inputsOf(run, tenant),
          QUIPU_WORKER_FILE_STORE_DIR: storeOf(run, tenant),
          QUIPU_WORKER_FILE_STORE: storeNameOf(run, tenant),
          QUIPU_WORKER_BYTES_PER_SECOND: String(BYTES_PER_SECOND),
        };
        const onBroken = (error: Error): void => controller.abort(error);
        return new WorkerProcess(env, logFile, { onStart: node.allocate, onEnd: node.release, onBroken });
      }),
    );
  }

  get running(): number {
    return this.workers.filter((worker) => worker.running).length;
  }

  /** Starts every worker, and plans what befalls them within `forMs`. */
  start(agenda: Agenda, startMs: number, forMs: number): void {
    for (const worker of this.workers) worker.start();
    const peace = Math.min(Math.max(SHORTEST_PEACE_MS, forMs / INCIDENTS_PER_RUN), LONGEST_PEACE_MS);
    const kinds = [
      (worker: WorkerProcess) => this.kill(worker),
      (worker: WorkerProcess) => this.freeze(worker),
      (worker: WorkerProcess) => this.cycle(worker),
    ];
    for (let at = FIRST_INCIDENT_MS, n = 0; at < forMs; at += peace, n += 1) {
      const worker = this.workers[this.random.between(0, this.workers.length - 1)]!;
      agenda.add(startMs + at, () => worker.running && kinds[n % kinds.length]!(worker));
    }
  }

  /** Ends every worker, whatever state it is in. */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  private kill(worker: WorkerProcess): void {
    this.incidents.killed += 1;
    worker.kill();
  }

  private freeze(worker: WorkerProcess): void {
    this.incidents.frozen += 1;
    worker.freeze(this.random.between(...FREEZE_MS));
  }

  private cycle(worker: WorkerProcess): void {
    this.incidents.restarted += 1;
    worker.cycle();
  }

  /** What a worker cannot report itself: the node it runs on is taken when it starts and given back when it ends. */
  private node(
    tenant: DemoTenant,
    cluster: string,
    name: string,
  ): { allocate: () => void; release: () => void } {
    const { random, reporter } = this;
    const data = {
      user: random.pick(tenant.users),
      cluster,
      clusterTemplate: 'demo',
      provider: random.pick(['openstack', 'bare-metal']),
      hardwareType: random.pick(['small', 'large']),
      imageType: 'debian-12',
      services: ['worker'],
    };
    let life = 0;
    const node = () => ({ tenant: tenant.id, subject: `node/${cluster}/${name}`, life: String(life) });
    return {
      allocate: () => {
        life += 1;
        const taken = node();
        noteNode(this.run, 'taken', taken);
        const { subject } = taken;
        reporter.report({
          ...{ type: 'node.allocated', tenant: tenant.id, subject },
          data: { ...data, life: taken.life },
        });
      },
      release: () => {
        const given = node();
        releaseNode(reporter, given);
        noteNode(this.run, 'given-back', given);
      },
    };
  }
}

/** Reports that a node is given back. */
export function releaseNode(reporter: Reporter, { tenant, subject, life }: DemoNode): void {
  reporter.report({ type: 'node.released', tenant, subject, data: { life } });
}
