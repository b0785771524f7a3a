import { type EventType, type LogEvent } from '@quipu/contracts';
import { Agenda } from './agenda.js';
import { TenantFleet } from './tenant-fleet.js';
import { Random } from './random.js';
import { DEMO_TENANTS } from './tenants.js';

/** What the parts of the fleet tell their events through, and how they plan ahead. */
export interface FleetContext {
  readonly random: Random;
  /** The instant of the fleet (ms). */
  readonly now: () => number;
  /** Plans something `delayMs` from now. */
  readonly after: (delayMs: number, run: () => void) => void;
  readonly emit: (tenant: string, type: EventType, subject: string, data: LogEvent['data']) => void;
}

/**
 * A make-believe fleet: three tenants whose jobs wait, run, fail, retry, get blocked, delayed, aborted and
 * removed, on nodes that come when work piles up and go when there is none. It keeps its own time: nothing
 * happens but through `advance`, and the same seed gives the same events at the same distance from the start.
 */
export class Fleet {
  readonly source: string;
  private readonly agenda = new Agenda();
  private readonly tenants: TenantFleet[];
  private clock: number;
  private emitted: LogEvent[] = [];
  private count = 0;
  private goingHome = false;

  constructor(
    seed: number,
    private readonly startMs: number,
  ) {
    this.clock = startMs;
    this.source = `demo:${seed}-${startMs.toString(36)}`;
    const context = this.context(new Random(seed));
    this.tenants = DEMO_TENANTS.map((tenant) => new TenantFleet(tenant, context));
    for (const tenant of this.tenants) tenant.open();
  }

  /** Everything that happens up to and at `toMs`, in order. */
  advance(toMs: number): LogEvent[] {
    for (let next = this.agenda.take(toMs); next; next = this.agenda.take(toMs)) {
      this.clock = Math.max(this.clock, next.at);
      if (!this.goingHome) next.run();
    }
    this.clock = Math.max(this.clock, toMs);
    return this.takeEmitted();
  }

  /**
   * Ends everything that is still alive at `atMs`: jobs are aborted, workers disconnect, nodes are released,
   * so that a demo that is over uses nothing any more.
   */
  goHome(atMs: number): LogEvent[] {
    const last = this.advance(atMs);
    for (const tenant of this.tenants) tenant.close();
    this.goingHome = true;
    return [...last, ...this.takeEmitted()];
  }

  private takeEmitted(): LogEvent[] {
    const events = this.emitted;
    this.emitted = [];
    return events;
  }

  private context(random: Random): FleetContext {
    return {
      random,
      now: () => this.clock,
      after: (delayMs, run) => this.agenda.add(this.clock + delayMs, run),
      emit: (tenant, type, subject, data) => {
        this.count += 1;
        this.emitted.push({
          tenant,
          source: this.source,
          id: String(this.count),
          type,
          subject,
          time: this.clock,
          dataversion: 1,
          // Several steps of one job may fall on one millisecond: the sequence tells their order.
          sequence: String(this.count).padStart(9, '0'),
          data,
        });
      },
    };
  }
}
