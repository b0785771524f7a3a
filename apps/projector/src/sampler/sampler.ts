import { randomUUID } from 'node:crypto';
import { type Clock, errorMessage, type Logger } from '@quipu/platform';
import {
  CounterFloors,
  GENERATION_SECONDS,
  type Generation,
  type GenerationStore,
  type KeptGeneration,
  lastTen,
  ledgerPoints,
  type MetricPoint,
  MOST_POINTS,
  type PointTotalsReader,
  withinBudget,
} from '@quipu/read-models';

/** What a {@link Sampler} needs. */
export interface SamplerOptions {
  readonly store: GenerationStore;
  readonly totals: Pick<PointTotalsReader, 'read'>;
  /** Looks at the host; it should neither throw nor take longer than some seconds. */
  readonly host: { look(): Promise<MetricPoint[]> };
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the lease is held without being renewed, ms; default 3 s. */
  readonly leaseMs?: number;
  /** Most points of a generation. */
  readonly mostPoints?: number;
}

/** What a look at the clock came to: the generation is kept or was, it is not due, or another takes them. */
export type TickOutcome = 'stored' | 'there' | 'waiting' | 'standby';

/** How often the clock is looked at and the lease renewed, ms. */
const TICK_MS = 1_000;
/** A value is told as that of its ten only while that ten is the nearest: later it would be the next one's. */
const LATEST_MS = (GENERATION_SECONDS * 1000) / 2;

/**
 * Takes a generation of points on every wall-clock ten.
 *
 * Of all projectors one does: who holds the lease in Redis. It is renewed each second and runs out after three, so that
 * when its holder is killed another takes the next ten, or the same one late; `host` is the server of the holder, so it
 * is kept as long as it is renewed. Whether a generation is written is decided where it is kept, in one step with the
 * lease and the timestamps that are there: there is at most one of a timestamp, whoever believes to hold what. Postgres
 * is not asked, so generations go on while it is away.
 */
export class Sampler {
  private readonly holder = randomUUID();
  private readonly floors = new CounterFloors();
  private timer: NodeJS.Timeout | null = null;
  private ticking: Promise<unknown> = Promise.resolve();
  private stopped = false;
  private leads = false;
  /** The ten that was taken last, and the one that was only looked at. */
  private done = 0;
  private looked = 0;
  private epoch = '';
  private trouble: string | null = null;
  private leftOut = 0;

  constructor(private readonly options: SamplerOptions) {}

  /** Starts. Returns at once; while Redis is away it waits for it. */
  start(): void {
    // The first look at the processors, which the next one is compared with.
    void this.lookAtHost();
    this.plan();
  }

  /** Ends what it does and leaves the generations to another. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.ticking;
    if (this.leads) await this.options.store.giveLeaseBack(this.holder).catch(() => undefined);
    this.leads = false;
  }

  /** Renews the lease, and takes the generation of the last ten if nobody has. @throws while Redis is away. */
  async tick(): Promise<TickOutcome> {
    const { store, clock, leaseMs = 3_000 } = this.options;
    const leads = await store.takeLease(this.holder, leaseMs);
    const now = clock.now();
    const timestamp = lastTen(now);
    if (!leads) {
      this.leads = false;
      await this.keepUp(timestamp);
      return 'standby';
    }
    if (!this.leads) await this.takeOver();
    this.leads = true;
    // Not "or before": a clock that was set back must not wait until it is where it was.
    if (timestamp === this.done || now - timestamp * 1000 >= LATEST_MS) return 'waiting';
    const generation = await this.look(timestamp);
    const outcome = await store.add(this.holder, generation, now / 1000);
    if (outcome === 'lost') {
      this.leads = false;
      return 'standby';
    }
    this.done = timestamp;
    if (outcome === 'stored') this.tellLeftOut(generation.leftOut);
    return outcome;
  }

  /** Whoever takes over tells what the processors did in the last ten seconds, and not since it began to stand by. */
  private async keepUp(timestamp: number): Promise<void> {
    if (timestamp !== this.looked) await this.lookAtHost();
    this.looked = timestamp;
  }

  /** Counters go on where whoever took the generations before left them. */
  private async takeOver(): Promise<void> {
    const { store } = this.options;
    const state = await store.state();
    this.epoch = state?.epoch ?? '';
    this.floors.clear();
    const newest = await store.read('newest');
    // It may have none, if totals could not be read then: the last that has some is looked for.
    if (!this.learnFloors(newest)) this.learnFloors((await store.read({ after: 0 })).reverse());
    this.options.logger.info('takes the generations of points');
  }

  /** Takes the counters of the ledger from the first generation that has any; false: none has. */
  private learnFloors(generations: readonly KeptGeneration[]): boolean {
    for (const generation of generations) {
      for (const line of generation.lines()) {
        const { id, type, value } = JSON.parse(line) as MetricPoint;
        if (type === 'counter' && id.startsWith('tenant/')) this.floors.learn(id, value);
      }
      if (this.floors.size > 0) return true;
    }
    return false;
  }

  private async look(timestamp: number): Promise<Generation> {
    const nowMs = timestamp * 1000;
    const [host, ledger] = await Promise.all([this.lookAtHost(), this.readLedger(nowMs)]);
    const { mostPoints = MOST_POINTS } = this.options;
    return { timestamp, epoch: this.epoch, ...withinBudget([...host, ...ledger], mostPoints) };
  }

  /** Points of the host; none if it cannot be looked at: a generation is taken all the same. */
  private async lookAtHost(): Promise<MetricPoint[]> {
    try {
      return await this.options.host.look();
    } catch (error) {
      this.options.logger.warn({ reason: errorMessage(error) }, 'a generation without points of the host');
      return [];
    }
  }

  /** Points of the ledger's totals; none while those cannot be read: the host is told about all the same. */
  private async readLedger(nowMs: number): Promise<MetricPoint[]> {
    const { totals, logger } = this.options;
    try {
      const answer = await totals.read(nowMs);
      if (typeof answer === 'string') {
        logger.warn({ reason: answer }, 'a generation without points of the ledger');
        return [];
      }
      // Another ledger, or one that was restored: its counters begin anew.
      if (answer.epoch !== this.epoch) this.floors.clear();
      this.epoch = answer.epoch;
      return ledgerPoints(answer.totals, nowMs, this.floors);
    } catch (error) {
      logger.warn({ reason: errorMessage(error) }, 'a generation without points of the ledger');
      return [];
    }
  }

  private tellLeftOut(leftOut: number): void {
    if (leftOut > 0 && this.leftOut === 0) {
      this.options.logger.warn({ leftOut }, 'generations have more points than there is room for');
    }
    this.leftOut = leftOut;
  }

  private plan(): void {
    if (this.stopped) return;
    // On the second, so that a ten is met as it comes.
    const wait = TICK_MS - (this.options.clock.now() % TICK_MS);
    this.timer = setTimeout(() => {
      this.ticking = this.tick().then(
        () => {
          if (this.trouble !== null) this.options.logger.info('generations of points go on');
          this.trouble = null;
        },
        (error: unknown) => {
          if (this.trouble === null)
            this.options.logger.warn({ err: error }, 'no generations of points: Redis is away');
          this.trouble = errorMessage(error);
        },
      );
      void this.ticking.then(() => this.plan());
    }, wait);
  }
}
