import { TenantDirectory } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { createLedgerRunner, type JobState, jobTimeline, type LedgerRunner } from '@quipu/ledger';
import { createLogger, createRedis, systemClock } from '@quipu/platform';
import type { Redis } from 'ioredis';
import { Ingest } from '../../apps/projector/src/ingest/ingest.js';
import { Sweeper, type SweeperOptions } from '../../apps/projector/src/sweeper/sweeper.js';
import { sampleCloudEvent, until } from '../../apps/projector/test/sample-job.js';
import { openTestQueue, type TestQueue } from '../../apps/projector/test/test-queue.js';

/** A fact of the sweeper, as the log holds it. */
export interface Swept {
  readonly type: string;
  readonly tenant: string;
  readonly subject: string;
  readonly time: number;
  readonly data: Record<string, unknown>;
}

const logger = createLogger('test', 'silent');

/** Queue, ingest and ledger, with workers that report to them and sweepers over them. */
export class SweeperRig {
  readonly log: EventLog;
  private readonly totals: Redis;
  private readonly runner: LedgerRunner;
  private ingest: Ingest | null = null;
  private readonly sweepers: Sweeper[] = [];
  private readonly beats: NodeJS.Timeout[] = [];

  private constructor(readonly services: TestQueue) {
    this.log = new EventLog(services.database.pool);
    this.totals = createRedis(services.services.url, 'producer');
    this.runner = createLedgerRunner({
      ...{ databaseUrl: services.database.url, redis: this.totals, log: this.log },
      ...{ clock: systemClock, logger },
    });
  }

  /** Opens one for a spec file; `close` it in afterAll. */
  static async open(): Promise<SweeperRig> {
    const rig = new SweeperRig(await openTestQueue());
    rig.runner.start();
    rig.startIngest();
    return rig;
  }

  startIngest(): void {
    this.ingest = new Ingest({
      ...{ redisUrl: this.services.services.url, log: this.log, tenantMode: 'auto', maxEventAgeDays: 400 },
      ...{ tenants: new TenantDirectory(this.services.database.pool), clock: systemClock, logger },
      lockMs: 500,
    });
    this.ingest.start();
  }

  async stopIngest(): Promise<void> {
    await this.ingest?.stop();
    this.ingest = null;
  }

  /**
   * A sweeper that sweeps often. A machine that is busy with other things may keep it from looking for most of a lease;
   * only what is longer begins the lease anew.
   */
  sweeper(leaseMs: number, options: Partial<SweeperOptions> = {}): Sweeper {
    const { database, services } = this.services;
    const sweeper = new Sweeper({
      ...{ databaseUrl: database.url, redisUrl: services.url, log: this.log, leaseMs, logger, pollMs: 20 },
      ...{ longestGapMs: leaseMs * 0.75, ...options },
    });
    this.sweepers.push(sweeper);
    sweeper.start();
    return sweeper;
  }

  /** Puts events into the queue, as one job. */
  async send(...events: Record<string, unknown>[]): Promise<void> {
    await this.services.queue.add('events', { events: events.map((event) => sampleCloudEvent(event)) });
  }

  /** An event of a worker, now. */
  about(worker: string, what: string, data: Record<string, unknown> = {}): Record<string, unknown> {
    return { type: `worker.${what}`, tenant: 'superadmin', subject: `worker/${worker}`, data };
  }

  /** A worker that has registered, connected and been heard. */
  async join(worker: string, life: string): Promise<void> {
    const data = { life };
    await this.send(
      this.about(worker, 'registered', { ...data, concurrency: 4 }),
      ...['connected', 'heartbeat'].map((what) => this.about(worker, what, data)),
    );
  }

  /** Lets a worker be heard again and again, until the returned function is called. */
  beat(worker: string, life: string, everyMs = 100): () => void {
    const timer = setInterval(() => {
      void this.send(this.about(worker, 'heartbeat', { life })).catch(() => undefined);
    }, everyMs);
    this.beats.push(timer);
    return () => clearInterval(timer);
  }

  /** A job that a worker began, now. */
  async begin(tenant: string, job: string, worker: string, attempt = 1): Promise<void> {
    await this.send({
      ...{ type: 'job.started', tenant, subject: `job/${job}` },
      data: { queue: 'q', attempt, worker, nodes: 2 },
    });
  }

  /** What the sweepers have said, by the log. */
  async swept(): Promise<Swept[]> {
    const { rows } = await this.services.database.pool.query<Swept & { time: string }>(
      `SELECT type, tenant, subject, time_ms AS time, data FROM log WHERE source = 'quipu/sweeper' ORDER BY position`,
    );
    return rows.map((row) => ({ ...row, time: Number(row.time) }));
  }

  /** The losses of workers. */
  async lost(): Promise<string[]> {
    return (await this.swept()).filter(({ type }) => type === 'worker.lost').map(({ subject }) => subject);
  }

  /** The times of a type of event about a subject. */
  async times(subject: string, type: string): Promise<number[]> {
    const { rows } = await this.services.database.pool.query<{ time: string }>(
      `SELECT time_ms AS time FROM log WHERE subject = $1 AND type = $2 ORDER BY position`,
      [subject, type],
    );
    return rows.map(({ time }) => Number(time));
  }

  /** Waits until nothing is in the queue and everything is folded. */
  async settled(): Promise<void> {
    await until(async () => {
      const open = await this.services.queue.getJobCountByTypes('waiting', 'active', 'delayed');
      return open === 0;
    });
    await this.runner.whenPosition((await this.log.head()).position);
  }

  /** What the ledger makes of a job. */
  async job(tenant: string, job: string): Promise<ReturnType<typeof jobTimeline>> {
    const { rows } = await this.services.database.pool.query<{ state: JobState }>(
      'SELECT state FROM ledger_1.entities WHERE tenant = $1 AND kind = 1 AND id = $2',
      [tenant, `job/${job}`],
    );
    return jobTimeline(rows[0]!.state);
  }

  /** Ends all sweepers and heartbeats. */
  async rest(): Promise<void> {
    for (const timer of this.beats.splice(0)) clearInterval(timer);
    await Promise.all(this.sweepers.splice(0).map((sweeper) => sweeper.stop()));
  }

  async close(): Promise<void> {
    await this.rest();
    await this.stopIngest();
    await this.runner.stop();
    this.totals.disconnect();
    await this.services.close();
  }
}
