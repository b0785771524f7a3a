import { instrument, type JobView, type Reporter } from '@quipu/reporter';
import { FlowProducer, type JobsOptions, Queue } from 'bullmq';
import { type Redis } from 'ioredis';
import { type Agenda } from './agenda.js';
import { type DemoInputs } from './demo-inputs.js';
import { type DemoRun, prefixOf } from './demo-run.js';
import { type Random } from './random.js';
import { type DemoTenant } from './tenants.js';

/** What the jobs of a tenant are made with. */
export interface JobsContext {
  readonly run: DemoRun;
  readonly redis: Redis;
  readonly reporter: Reporter;
  readonly random: Random;
  readonly agenda: Agenda;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

const RETRIES = { attempts: 3, backoff: { type: 'fixed', delay: 600 }, removeOnComplete: { count: 50 } };
const FLUSH_MS = 5_000;
const STATES = [
  'waiting',
  'active',
  'delayed',
  'prioritized',
  'waiting-children',
  'completed',
  'failed',
] as const;

/** The queues of a tenant. */
export class TenantQueues {
  readonly queues: ReadonlyMap<string, Queue>;
  readonly flows: FlowProducer;

  constructor(
    tenant: DemoTenant,
    private readonly context: Pick<JobsContext, 'run' | 'redis' | 'reporter'>,
  ) {
    const { run, redis, reporter } = context;
    const options = { connection: redis, prefix: prefixOf(run) };
    const quipu = {
      ...{ tenant: tenant.id, reporter, taskType: 'external' },
      user: ({ data }: JobView) => (data as { user?: string }).user,
      nodes: ({ data }: JobView) => (data as { nodes?: number }).nodes ?? 1,
    };
    this.queues = new Map(
      tenant.queues.map((name) => {
        const queue = new Queue(name, options);
        // Without a listener a lost connection would end the process; the commands that fail tell of it.
        queue.on('error', () => undefined);
        return [name, instrument(queue, quipu)];
      }),
    );
    this.flows = instrument(new FlowProducer(options), quipu);
    this.flows.on('error', () => undefined);
  }

  /** Takes everything out of the queues, when nobody works on them any more; each job that goes is reported. */
  async clear(): Promise<void> {
    const { reporter } = this.context;
    for (const queue of this.queues.values()) {
      const counts = await queue.getJobCounts(...STATES);
      const { sent, buffered } = reporter.stats();
      const gone = Object.values(counts).reduce((sum, n) => sum + n, sent + buffered);
      await queue.obliterate({ force: true });
      // They are looked at and reported behind our back.
      for (const until = Date.now() + FLUSH_MS; Date.now() < until;) {
        const { sent, buffered } = reporter.stats();
        if (sent + buffered >= gone) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    await this.flows.close();
  }
}

/** Lets jobs arrive at the queues of a tenant, of all kinds that a queue can have. */
export class TenantJobs {
  private arrivals = 0;

  constructor(
    private readonly tenant: DemoTenant,
    private readonly queues: TenantQueues,
    private readonly inputs: DemoInputs,
    private readonly context: JobsContext,
  ) {}

  /** A few jobs at once, and then whatever comes. */
  start(): void {
    for (let i = 0; i < 3; i += 1) this.arrive();
    this.next();
  }

  private next(): void {
    const { random } = this.context;
    this.after(random.interval(this.tenant.arrivalMs), () => {
      this.arrive();
      // Jobs come in bursts now and then, so that queues can be seen to fill and drain.
      if (random.chance(0.04)) for (let i = 0; i < 5; i += 1) this.arrive();
      this.next();
    });
  }

  private arrive(): void {
    const { random } = this.context;
    this.arrivals += 1;
    const queue = this.queues.queues.get(random.pick(this.tenant.queues))!;
    const about = { user: random.pick(this.tenant.users), nodes: random.between(1, 3) };
    const priority = random.between(0, 9);
    const opts: JobsOptions = { ...RETRIES, ...(priority === 0 ? {} : { priority }) };
    const kind = random.next();
    if (kind < 0.08) {
      this.flow(queue.name, about);
    } else if (kind < 0.18) {
      // Its input is not there when it is tried first, or never.
      const path = `late-${this.arrivals}.txt`;
      if (random.chance(0.7)) this.after(random.between(600, 1_200), () => this.inputs.add(path));
      this.add(queue, 'checksum', { path, ...about }, opts);
    } else if (kind < 0.3) {
      this.add(queue, ...this.work(about), { ...opts, delay: random.between(2_000, 9_000) });
    } else {
      this.add(
        queue,
        ...this.work(about),
        opts,
        random.chance(0.06) ? random.between(300, 3_000) : undefined,
      );
    }
  }

  private work(about: object): [task: string, data: object] {
    const { random } = this.context;
    const { files, directories } = this.inputs;
    if (random.chance(0.3)) return ['archive', { path: random.pick(directories), ...about }];
    if (random.chance(0.5)) return ['checksum', { path: random.pick([...files, ...directories]), ...about }];
    return ['compress', { path: random.pick(files), method: random.pick(['gzip', 'brotli']), ...about }];
  }

  private add(queue: Queue, task: string, data: object, opts: JobsOptions, removeAfterMs?: number): void {
    const added = queue.add(task, data, opts);
    if (removeAfterMs === undefined) {
      this.background(added);
      return;
    }
    // Somebody thinks better of it. A job that a worker has by then stays.
    this.after(removeAfterMs, () => this.background(added.then((job) => queue.remove(job.id ?? ''))));
  }

  /** A job that is blocked until another is done. */
  private flow(queueName: string, about: object): void {
    const { files, directories } = this.inputs;
    const path = this.context.random.pick(directories);
    const child = { queueName, name: 'checksum', data: { path: files[0], ...about }, opts: RETRIES };
    this.background(
      this.queues.flows.add({
        queueName,
        name: 'archive',
        data: { path, ...about },
        opts: RETRIES,
        children: [child],
      }),
    );
  }

  private after(ms: number, run: () => void): void {
    this.context.agenda.add(this.context.now() + ms, run);
  }

  private background(work: Promise<unknown>): void {
    work.catch(this.context.onError);
  }
}
