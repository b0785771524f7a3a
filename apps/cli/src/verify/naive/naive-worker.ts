import type { CurrentEvent } from '@quipu/contracts';
import { addInterval, noContributions, slotDimensions, type Contributions } from './contributions.js';
import type { EntityFold, Folded, WorkerPart, WorkerSelf } from './entity-fold.js';
import { LatestFields } from './latest.js';
import { accrue, add, flag } from './samples.js';
import { clipped, uncovered, union, type Span } from './spans.js';
import { WorkerLife, type WorkerEvent } from './worker-life.js';

const FIELDS = ['pool', 'type', 'hostArchitecture', 'architectures', 'enabled', 'concurrency'] as const;

/** Folds the events of one worker. */
export class NaiveWorker implements EntityFold {
  private registeredAt: number | undefined;
  private retiredAt: number | undefined;
  private readonly lives = new Map<string | undefined, WorkerLife>();
  private readonly fields = new LatestFields(FIELDS);

  constructor(
    private readonly tenant: string,
    private readonly subject: string,
  ) {}

  add(event: CurrentEvent): void {
    const { type, time } = event;
    if (type === 'worker.registered') this.registeredAt = Math.min(time, this.registeredAt ?? Infinity);
    if (type === 'worker.retired') this.retiredAt = Math.min(time, this.retiredAt ?? Infinity);
    this.fields.add(event);
    if (!isAboutWorker(event)) return;
    const life = this.lives.get(event.data.life) ?? new WorkerLife();
    this.lives.set(event.data.life, life);
    life.add(event);
  }

  close(): Folded {
    const contributions = noContributions();
    const { tenant, subject: id, registeredAt } = this;
    if (registeredAt === undefined) return { contributions, parts: [] };
    const pool = this.fields.text('pool');
    this.addSlots(contributions, pool, { start: registeredAt, end: this.retiredAt ?? null });
    return { contributions, parts: [{ root: 'worker', tenant, id, says: { self: this.self(pool) } }] };
  }

  /** Adds what its slots were while it was registered. */
  private addSlots(to: Contributions, pool: string, registered: Span): void {
    const { tenant, subject } = this;
    const told = this.fields.get('concurrency');
    const slots = typeof told === 'number' ? told : 1;
    if (slots === 0) return;
    const connections = union([...this.lives.values()].flatMap((life) => life.connections()));
    const connected = clipped(connections, registered);
    const away = uncovered(connections, registered);
    const dims = slotDimensions(tenant, subject);
    for (const span of connected) {
      addInterval(to, 'idle', dims, span, slots);
      accrue(to, 'worker_seconds', tenant, { pool, state: 'connected' }, span, slots);
    }
    for (const span of away) addInterval(to, 'offline', dims, span, slots);
    for (const span of clipped([registered], registered)) {
      accrue(to, 'worker_seconds', tenant, { pool, state: 'registered' }, span, slots);
    }
  }

  private self(pool: string): WorkerSelf {
    const architectures = this.fields.get('architectures');
    return {
      exists: this.retiredAt === undefined,
      inTouch: [...this.lives.values()].some((life) => life.isInTouch()),
      enabled: this.fields.get('enabled') !== false,
      pool,
      type: this.fields.text('type'),
      hostArchitecture: this.fields.text('hostArchitecture'),
      architectures: Array.isArray(architectures) ? architectures.map(String) : [],
    };
  }
}

function isAboutWorker(event: CurrentEvent): event is WorkerEvent {
  return event.type.startsWith('worker.');
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

    const state = !self.inTouch ? 'offline' : held ? 'busy' : 'idle';
    add(to, 'quipu_workers', tenant, { pool, type, state }, 1);
    const labels = {
      busy: flag(held),
      connected: flag(self.inTouch),
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
