import type { CurrentEvent } from '@quipu/contracts';
import { noContributions, type Contributions } from './contributions.js';
import type { EntityFold, Folded, WorkerPart, WorkerSelf } from './entity-fold.js';
import { compareRanked } from './facts.js';
import { LatestFact, LatestFields } from './latest.js';
import { accrue, add, flag } from './samples.js';

const RANKS: Readonly<Record<string, number>> = {
  'worker.connected': 0,
  'worker.heartbeat': 1,
  'worker.lost': 2,
  'worker.disconnected': 3,
};

const FIELDS = ['pool', 'type', 'hostArchitecture', 'architectures', 'enabled'] as const;

/** A span of time, in ms since the epoch; `end` is null while it goes on. */
interface Span {
  readonly start: number;
  readonly end: number | null;
}

/**
 * Folds the events of one worker. Of heartbeats it keeps only the greatest, because a worker sends them for
 * years.
 */
export class NaiveWorker implements EntityFold {
  private registeredAt: number | undefined;
  private retiredAt: number | undefined;
  private readonly sign = new LatestFact<CurrentEvent>(compareSigns);
  private readonly turns: CurrentEvent[] = [];
  private readonly fields = new LatestFields(FIELDS);

  constructor(
    private readonly tenant: string,
    private readonly subject: string,
  ) {}

  add(event: CurrentEvent): void {
    const { type, time } = event;
    if (type === 'worker.registered') this.registeredAt = Math.min(time, this.registeredAt ?? Infinity);
    if (type === 'worker.retired') this.retiredAt = Math.min(time, this.retiredAt ?? Infinity);
    if (type in RANKS) this.sign.add(event);
    if (type in RANKS && type !== 'worker.heartbeat') this.turns.push(event);
    this.fields.add(event);
  }

  close(): Folded {
    const contributions = noContributions();
    const { tenant, subject: id, registeredAt } = this;
    if (registeredAt === undefined) return { contributions, parts: [] };
    const pool = this.fields.text('pool');
    for (const [state, spans] of [
      ['registered', this.clipped({ start: -Infinity, end: null })],
      ['connected', this.connectedSpans().flatMap((span) => this.clipped(span))],
    ] as const) {
      for (const span of spans) accrue(contributions, 'worker_seconds', tenant, { pool, state }, span);
    }
    return { contributions, parts: [{ root: 'worker', tenant, id, says: { self: this.self(pool) } }] };
  }

  private self(pool: string): WorkerSelf {
    const architectures = this.fields.get('architectures');
    const last = this.sign.latest?.type;
    return {
      exists: this.retiredAt === undefined,
      connected: last === 'worker.connected' || last === 'worker.heartbeat',
      enabled: this.fields.get('enabled') !== false,
      pool,
      type: this.fields.text('type'),
      hostArchitecture: this.fields.text('hostArchitecture'),
      architectures: Array.isArray(architectures) ? architectures.map(String) : [],
    };
  }

  /** When the greatest turn up to then was a connection. */
  private connectedSpans(): Span[] {
    const turns = [...this.turns].sort(compareSigns);
    const instants = [...new Set(turns.map(({ time }) => time))];
    return instants.flatMap((start, index): Span[] => {
      const greatest = turns.findLast(({ time }) => time === start);
      return greatest?.type === 'worker.connected' ? [{ start, end: instants[index + 1] ?? null }] : [];
    });
  }

  /** What of a span lies between registration and retirement. */
  private clipped(span: Span): Span[] {
    const start = Math.max(span.start, this.registeredAt ?? Infinity);
    const end = Math.min(span.end ?? Infinity, this.retiredAt ?? Infinity);
    return start < end ? [{ start, end: end === Infinity ? null : end }] : [];
  }
}

function compareSigns(a: CurrentEvent, b: CurrentEvent): number {
  return compareRanked(a, b, (fact) => RANKS[fact.type] ?? 0);
}

/** Puts together what its own facts and those of jobs say about one worker. */
export class WorkerRoot {
  private self: WorkerSelf | undefined;
  private held = false;
  private base = 0n;
  private open = 0;

  constructor(private readonly tenant: string) {}

  /** Takes one more part into account. */
  add(part: WorkerPart): void {
    if ('self' in part) this.self = part.self;
    else if ('held' in part) this.held = true;
    else {
      const { start, end } = part.ran;
      this.base += BigInt(end === null ? -start : end - start);
      if (end === null) this.open += 1;
    }
  }

  /** What the worker contributes. */
  contributions(): Contributions {
    const to = noContributions();
    const { tenant, self, held } = this;
    if (self === undefined) return to;
    const { pool, type } = self;
    const busy = { pool, state: 'busy' };
    add(to, 'worker_seconds', tenant, busy, this.base);
    add(to, 'worker_seconds:rate', tenant, busy, this.open);
    if (!self.exists) return to;

    const state = !self.connected ? 'offline' : held ? 'busy' : 'idle';
    add(to, 'quipu_workers', tenant, { pool, type, state }, 1);
    const labels = {
      busy: flag(held),
      connected: flag(self.connected),
      host_architecture: self.hostArchitecture,
      worker_pool: pool,
      worker_type: type,
    };
    const architectures = (name: (architecture: string) => string): Record<string, string> =>
      Object.fromEntries(self.architectures.map((each) => [`architecture_${name(each)}`, '1']));
    const legal = architectures((each) => each.replace(/[^A-Za-z0-9_]/gu, '_'));
    add(to, 'workers', tenant, { ...labels, ...legal }, 1);
    if (self.enabled) {
      const told = architectures((each) => each);
      add(to, 'workers_enabled', tenant, { ...labels, ...told }, 1);
    }
    return to;
  }
}
