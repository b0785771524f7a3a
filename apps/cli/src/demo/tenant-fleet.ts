import { type FleetContext } from './fleet.js';
import { DemoJob } from './demo-job.js';
import { type DemoTenant } from './tenants.js';

interface DemoNode {
  readonly subject: string;
  readonly cluster: string;
  readonly worker: string;
  job?: DemoJob;
  idleSince: number;
}

const LOOK_EVERY_MS = 500;
const IDLE_MS = 6_000;
const HEARTBEAT_MS = 5_000;

/** One tenant of the demo: its waiting jobs, its nodes, and a scheduler that brings them together. */
export class TenantFleet {
  private readonly jobs = new Set<DemoJob>();
  private readonly nodes = new Set<DemoNode>();
  private jobCount = 0;
  private nodeCount = 0;

  constructor(
    private readonly tenant: DemoTenant,
    private readonly context: FleetContext,
  ) {}

  /** Begins: a first node, a few jobs at once, and then whatever comes. */
  open(): void {
    this.addNode();
    for (let i = 0; i < 3; i += 1) this.arrive();
    this.nextArrival();
    this.look();
  }

  /** Ends every job and gives back every node. */
  close(): void {
    for (const job of this.jobs) job.close();
    for (const node of this.nodes) this.release(node);
  }

  private nextArrival(): void {
    this.context.after(this.context.random.interval(this.tenant.arrivalMs), () => {
      this.arrive();
      // Jobs come in bursts now and then, so that queues can be seen to fill and drain.
      if (this.context.random.chance(0.04)) for (let i = 0; i < 6; i += 1) this.arrive();
      this.nextArrival();
    });
  }

  private arrive(): void {
    this.jobCount += 1;
    const job = new DemoJob(this.tenant, this.jobCount, this.context, () => {
      this.jobs.delete(job);
    });
    this.jobs.add(job);
    job.queue();
  }

  /** The scheduler: gives due jobs to free nodes, asks for nodes when work piles up, lets idle ones go. */
  private look(): void {
    const now = this.context.now();
    const due = [...this.jobs].filter((job) => job.isDue(now));
    for (const node of this.nodes) {
      if (node.job) continue;
      const job = due.shift();
      if (!job) continue;
      node.job = job;
      job.run(node.cluster, node.worker, () => {
        delete node.job;
        node.idleSince = this.context.now();
      });
    }
    if (due.length > 2 * this.nodes.size && this.nodes.size < this.tenant.maxNodes) this.addNode();
    for (const node of this.nodes) {
      const spare = this.nodes.size > 1 && !node.job && now - node.idleSince > IDLE_MS;
      if (spare) this.release(node);
    }
    this.context.after(LOOK_EVERY_MS, () => this.look());
  }

  private addNode(): void {
    this.nodeCount += 1;
    const { random, emit, now } = this.context;
    const cluster = random.pick(this.tenant.clusters);
    const name = `${cluster}-${this.nodeCount}`;
    const node: DemoNode = {
      subject: `node/${cluster}/${now()}-${this.nodeCount}`,
      cluster,
      worker: `${name}-${now()}`,
      idleSince: now(),
    };
    this.nodes.add(node);
    emit(this.tenant.id, 'node.allocated', node.subject, {
      user: this.tenant.users[0],
      cluster,
      clusterTemplate: 'demo',
      provider: random.pick(['openstack', 'bare-metal']),
      hardwareType: random.pick(['small', 'large']),
      imageType: 'debian-12',
      services: ['worker'],
    });
    const worker = `worker/${node.worker}`;
    emit(this.tenant.id, 'worker.registered', worker, {
      type: 'external',
      pool: cluster,
      host: name,
      concurrency: 1,
    });
    emit(this.tenant.id, 'worker.connected', worker, {});
    this.heartbeat(node);
  }

  private heartbeat(node: DemoNode): void {
    this.context.after(HEARTBEAT_MS, () => {
      if (!this.nodes.has(node)) return;
      this.context.emit(this.tenant.id, 'worker.heartbeat', `worker/${node.worker}`, {});
      this.heartbeat(node);
    });
  }

  private release(node: DemoNode): void {
    this.nodes.delete(node);
    this.context.emit(this.tenant.id, 'worker.disconnected', `worker/${node.worker}`, {});
    this.context.emit(this.tenant.id, 'worker.retired', `worker/${node.worker}`, {});
    this.context.emit(this.tenant.id, 'node.released', node.subject, {});
  }
}
