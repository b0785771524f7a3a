import { type StoredEvent } from '@quipu/contracts';
import { CheckpointConflictError, type Clock, type Logger, errorMessage } from '@quipu/platform';
import { readCheckpoint } from './checkpoint.js';
import { isPoison } from './errors.js';
import { type CommittedAt, type PreparedBatch, type ProjectionHandler } from './handler.js';
import { type LeaderSession, type Target } from './leader-session.js';
import { readSkips } from './skips.js';

/** The part of the event log that a projection reads. */
export interface EventSourceLog {
  readAfter(position: bigint, limits: { maxEvents: number; maxBytes: number }): Promise<StoredEvent[]>;
  onAppend(listener: () => void): Promise<() => Promise<void>>;
}

/** How much one batch may hold. */
export interface BatchLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /**
   * Events of a batch that follows a full one; absent: `maxEvents`. What begins and ends within one batch is written
   * once, which spares Postgres about a quarter of its work, and while the projection is behind nobody waits for the
   * next number.
   */
  readonly catchUpEvents?: number;
}

/** What a term of leadership tells its runner, and asks of it. */
export interface TermHooks {
  /** The projection stands at `position`, mirrors included. */
  reached(position: bigint, epoch: string, events: number): void;
  /** The projection stands still at a poison event, or (null) goes on. */
  halted(at: { position: bigint; error: string } | null): void;
  /** Resolves when there may be something new, about every second at the latest. */
  wait(): Promise<void>;
  stopping(): boolean;
}

/** Everything one term of leadership works with. */
export interface TermDeps<B extends PreparedBatch> {
  readonly session: LeaderSession;
  readonly handler: ProjectionHandler<B>;
  /** The tables that this term writes; the handler is attached to them. */
  readonly target: Target;
  readonly log: EventSourceLog;
  readonly limits: BatchLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hooks: TermHooks;
}

/** What reading and folding ahead came to; a promise of it never rejects. */
type Ahead<B> =
  | { kind: 'batch'; batch: B; to: bigint; events: number }
  | { kind: 'nothing' }
  | { kind: 'poison'; error: unknown }
  | { kind: 'failed'; error: unknown };

/**
 * One term of leadership, from election to the first failure or stop.
 *
 * Two batches are under way at most: while the transaction of one is open, the next is read and folded. After
 * a commit the mirror (Redis) follows; it is awaited before the mirror of the next batch starts, so the order of
 * batches is kept and a slow mirror delays nothing but the next mirror.
 *
 * A poison event is found by halving: whatever lies before it is committed in ever smaller batches, then the
 * projection halts there, says so in `projections.halted_*`, and waits for a skip by name (or mended code).
 */
export class Leadership<B extends PreparedBatch> {
  private mirror: Promise<void> = Promise.resolve();
  /** The last batch was full, so there is more than one waiting. */
  private behind = false;
  private skips = new Set<bigint>();

  constructor(
    private readonly deps: TermDeps<B>,
    private position: bigint,
    private epoch: string,
  ) {}

  /**
   * Leads until told to stop.
   * @throws whatever ended the term; the handler's caches are dropped and nothing is under way any more.
   */
  async run(): Promise<void> {
    const { handler, hooks } = this.deps;
    await this.refreshSkips();
    let ahead = this.readAhead();
    try {
      await handler.idle({ position: this.position, epoch: this.epoch });
      hooks.reached(this.position, this.epoch, 0);
      while (!hooks.stopping()) {
        const found = await ahead;
        if (found.kind === 'failed') throw found.error;
        if (found.kind === 'poison') {
          await this.passPoison(found.error);
          ahead = this.readAhead();
        } else if (found.kind === 'nothing') {
          await this.rest();
          ahead = this.readAhead();
        } else {
          ahead = this.readAhead(found.to);
          try {
            await this.write(found.batch, found.to, found.events);
          } catch (error) {
            if (!this.isPoison(error)) throw error;
            await ahead;
            await this.passPoison(error);
            ahead = this.readAhead();
          }
        }
      }
    } finally {
      // A fold that is still under way would fill the caches again with what was never committed.
      await ahead;
      await this.mirror;
      handler.dropCaches();
    }
  }

  private async readAhead(from: bigint = this.position): Promise<Ahead<B>> {
    let events: StoredEvent[];
    try {
      events = await this.deps.log.readAfter(from, this.limits());
    } catch (error) {
      return { kind: 'failed', error };
    }
    this.behind = events.length >= this.deps.limits.maxEvents;
    const last = events.at(-1);
    if (last === undefined) return { kind: 'nothing' };
    try {
      return { kind: 'batch', batch: await this.prepare(events), to: last.position, events: events.length };
    } catch (error) {
      return isPoison(error) ? { kind: 'poison', error } : { kind: 'failed', error };
    }
  }

  private limits(): BatchLimits {
    const { maxEvents, maxBytes, catchUpEvents = maxEvents } = this.deps.limits;
    return { maxEvents: this.behind ? catchUpEvents : maxEvents, maxBytes };
  }

  private prepare(events: readonly StoredEvent[]): Promise<B> {
    const { skips } = this;
    return this.deps.handler.prepare(
      skips.size === 0 ? events : events.filter((event) => !skips.has(event.position)),
    );
  }

  private async write(batch: B, to: bigint, events: number): Promise<void> {
    const { session, handler, target, clock, hooks } = this.deps;
    const from = this.position;
    const epoch = await session.writeBatch(handler, target, batch.statements, from, to, clock.now());
    this.position = to;
    this.epoch = epoch;
    const at: CommittedAt = { from, to, epoch };
    await this.mirror;
    this.mirror = handler.committed(batch, at).then(() => hooks.reached(to, epoch, events));
  }

  private async rest(): Promise<void> {
    await this.mirror;
    await this.deps.handler.idle({ position: this.position, epoch: this.epoch });
    await this.deps.hooks.wait();
    // Nothing else finds a connection that died while there was nothing to write: its lock may be somebody else's.
    await this.checkStillOurs();
  }

  private isPoison(error: unknown): boolean {
    return !this.deps.session.closed && isPoison(error);
  }

  /**
   * Reads the batch that failed once more: keeping every batch's events until it is committed would cost more memory
   * than all the rest, and poison is rare.
   */
  private async passPoison(cause: unknown): Promise<void> {
    const { handler, log } = this.deps;
    handler.dropCaches();
    const events = await log.readAfter(this.position, this.limits());
    if (events.length > 0) await this.bisect(events, cause);
  }

  private async bisect(events: readonly StoredEvent[], cause: unknown): Promise<void> {
    if (events.length === 1) return this.stumble(events[0]!, cause);
    const middle = events.length >> 1;
    for (const part of [events.slice(0, middle), events.slice(middle)]) {
      if (this.deps.hooks.stopping()) return;
      try {
        await this.write(await this.prepare(part), part.at(-1)!.position, part.length);
      } catch (error) {
        if (!this.isPoison(error)) throw error;
        this.deps.handler.dropCaches();
        await this.bisect(part, error);
      }
    }
  }

  /** Stands still at a poison event until it is skipped by name; returns early, without passing it, on stop. */
  private async stumble(event: StoredEvent, cause: unknown): Promise<void> {
    const { handler, hooks, logger } = this.deps;
    const { position } = event;
    await this.refreshSkips();
    if (!this.skips.has(position)) {
      const error = errorMessage(cause);
      await this.storeHalt(position, error);
      logger.error(
        { projection: handler.name, position: String(position), type: event.type, err: cause },
        'projection halted at a poison event: mend the code, or skip the event by name',
      );
      hooks.halted({ position, error });
      while (!this.skips.has(position)) {
        await this.rest();
        if (hooks.stopping()) return;
        await this.refreshSkips();
      }
      hooks.halted(null);
    }
    logger.warn({ projection: handler.name, position: String(position) }, 'event skipped by name');
    await this.write(await this.prepare([event]), position, 1);
  }

  private async storeHalt(position: bigint, error: string): Promise<void> {
    const { session, handler, target, clock } = this.deps;
    await session.queryable.query(
      `UPDATE projections SET halted_position = $4, halted_error = $5, halted_ms = $6
       WHERE name = $1 AND schema_name = $2 AND position = $3`,
      [
        handler.name,
        target.schemaName,
        String(this.position),
        String(position),
        error.replaceAll('\0', '').slice(0, 4_000),
        String(clock.now()),
      ],
    );
  }

  private async refreshSkips(): Promise<void> {
    const skips = await readSkips(this.deps.session.queryable, this.deps.handler.name);
    this.skips = new Set(skips.map((skip) => skip.position));
  }

  /** A rebuild, a reseed or a promotion by somebody else moved the ground: the caches are worthless from then on. */
  private async checkStillOurs(): Promise<void> {
    const { session, handler, target } = this.deps;
    const building = target.status === 'building' ? target.schemaName : undefined;
    const checkpoint = await readCheckpoint(session.queryable, handler.name, building);
    if (
      checkpoint?.position !== this.position ||
      checkpoint.schemaName !== target.schemaName ||
      checkpoint.version !== handler.version ||
      (checkpoint.codeHash !== '' && checkpoint.codeHash !== handler.codeHash())
    ) {
      throw new CheckpointConflictError(
        `The checkpoint of ${handler.name} was moved from ${this.position} by somebody else.`,
      );
    }
    this.epoch = checkpoint.epoch;
  }
}
