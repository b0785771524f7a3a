import {
  type Clock,
  type IoSteps,
  type Logger,
  classifyPgError,
  errorMessage,
  noIoSteps,
} from '@quipu/platform';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';
import { CodeMismatchError, ProjectionMissingError } from './errors.js';
import { type PreparedBatch, type ProjectionHandler } from './handler.js';
import { LeaderSession } from './leader-session.js';
import { type BatchLimits, type EventSourceLog, Leadership } from './leadership.js';
import { PositionWaiters } from './position-waiters.js';
import { Signal } from './signal.js';

/**
 * `following`: another runner leads. `leading`: this one does. `halted`: leading, but standing still at a poison
 * event. `refused`: the tables were made by other code. `retrying`: Postgres is away or refuses; tries again.
 */
export type RunnerPhase = 'stopped' | 'following' | 'leading' | 'halted' | 'refused' | 'retrying';

/** What a runner is doing, for health and status. */
export interface RunnerState {
  readonly phase: RunnerPhase;
  /** Last position known to be committed; null before the first election. */
  readonly position: bigint | null;
  readonly epoch: string | null;
  /** The poison event the projection stands still at, whoever leads it. */
  readonly halted: { readonly position: bigint; readonly error: string } | null;
  /** Why the last term ended, while it has not been followed by a good one. */
  readonly lastError: string | null;
  /** Events this runner has committed. */
  readonly events: number;
}

/** What a {@link ProjectionRunner} needs. */
export interface RunnerOptions<B extends PreparedBatch> {
  readonly databaseUrl: string;
  readonly log: EventSourceLog;
  readonly handler: ProjectionHandler<B>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly io?: IoSteps;
  readonly limits?: Partial<BatchLimits>;
  /** Longest time, ms, between two looks at the log and at the election; default 1000. */
  readonly pollMs?: number;
  /** Schema of a generation that is being built; absent: the live one, whichever that is. */
  readonly building?: string;
}

const MAX_BYTES = 8 * 1024 * 1024;
const DEFAULT_LIMITS: BatchLimits = { maxEvents: 2_000, catchUpEvents: 5_000, maxBytes: MAX_BYTES };
const LONGEST_BACK_OFF_MS = 5_000;
/** Lets whoever moved the checkpoint go first. */
const CONFLICT_PAUSE_MS = 50;

/**
 * Keeps one projection up to date, together with any number of runners like it in other processes.
 *
 * Life of a runner: it connects and tries the election lock about once a second (`following`); elected, it checks
 * that the tables were made by its own code (`refused` if not, giving the lock back), reads the checkpoint and
 * leads. Any failure ends the term: caches are dropped, the connection and with it the lock is given up, and the
 * runner starts over, soon after a checkpoint conflict, with growing pauses while Postgres is away.
 *
 * Which tables are live is looked up at each election: after a promotion the next batch of the old leader meets a
 * conflict, and the next term goes on from the checkpoint of the new tables.
 */
export class ProjectionRunner<B extends PreparedBatch = PreparedBatch> {
  private readonly signal = new Signal();
  private readonly waiters = new PositionWaiters();
  private readonly limits: BatchLimits;
  private readonly pollMs: number;
  private phase: RunnerPhase = 'stopped';
  private position: bigint | null = null;
  private epoch: string | null = null;
  private halted: RunnerState['halted'] = null;
  private lastError: string | null = null;
  private events = 0;
  private failures = 0;
  private stopping = false;
  private running: Promise<void> | null = null;
  private unsubscribe: (() => Promise<void>) | null = null;

  constructor(private readonly options: RunnerOptions<B>) {
    // Whoever sets the size of a batch gets batches of that size.
    this.limits = {
      ...(options.limits?.maxEvents === undefined ? DEFAULT_LIMITS : { maxBytes: MAX_BYTES }),
      maxEvents: DEFAULT_LIMITS.maxEvents,
      ...options.limits,
    };
    this.pollMs = options.pollMs ?? 1_000;
  }

  /** Starts in the background; never fails, failures are retried and visible in `state()`. */
  start(): void {
    if (this.running !== null) return;
    this.stopping = false;
    this.phase = 'following';
    this.running = this.loop();
  }

  /** Finishes the batch under way and gives up the election. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.signal.notify();
    await this.running;
    this.running = null;
    this.waiters.stop();
    this.phase = 'stopped';
  }

  /** What the runner is doing. */
  state(): RunnerState {
    const { phase, position, epoch, halted, lastError, events } = this;
    return { phase, position, epoch, halted, lastError, events };
  }

  /**
   * Resolves when the projection has passed `position`, whoever leads it; for this runner's own batches only after
   * their mirror was told. Rejects when the runner stops first.
   */
  whenPosition(position: bigint): Promise<void> {
    return this.waiters.wait(position);
  }

  private async loop(): Promise<void> {
    while (!this.stopping) {
      let session: LeaderSession | undefined;
      try {
        session = await LeaderSession.open(
          this.options.databaseUrl,
          this.options.handler.name,
          this.options.io ?? noIoSteps,
        );
        await this.subscribe();
        if (await this.elected(session)) await this.lead(session);
      } catch (error) {
        await session?.close();
        session = undefined;
        await this.recover(error);
      } finally {
        await session?.close();
      }
    }
    await this.unsubscribe?.().catch(() => undefined);
    this.unsubscribe = null;
  }

  /** Without notifications the runner still polls: they only shorten the wait. */
  private async subscribe(): Promise<void> {
    try {
      this.unsubscribe ??= await this.options.log.onAppend(() => this.signal.notify());
    } catch (error) {
      this.options.logger.warn({ err: error }, 'no append notifications yet, polling');
    }
  }

  private async elected(session: LeaderSession): Promise<boolean> {
    const { handler, building } = this.options;
    while (!this.stopping) {
      if (await session.tryLead(handler.name, building)) return true;
      this.phase = 'following';
      this.lastError = null;
      const checkpoint = await readCheckpoint(session.queryable, handler.name, building);
      if (checkpoint !== null) this.follow(checkpoint);
      await this.signal.wait(this.pollMs);
    }
    return false;
  }

  private async lead(session: LeaderSession): Promise<void> {
    const { handler, log, clock, logger, building } = this.options;
    const checkpoint = this.admit(await readCheckpoint(session.queryable, handler.name, building));
    handler.attach(checkpoint.schemaName);
    if (this.phase !== 'leading') {
      logger.info(
        { projection: handler.name, schema: checkpoint.schemaName, position: String(checkpoint.position) },
        'leading the projection',
      );
    }
    this.phase = 'leading';
    this.halted = null;
    const term = new Leadership<B>(
      {
        session,
        handler,
        target: {
          schemaName: checkpoint.schemaName,
          status: building === undefined ? 'live' : 'building',
        },
        log,
        limits: this.limits,
        clock,
        logger,
        hooks: {
          reached: (position, epoch, events) => {
            this.events += events;
            this.failures = 0;
            this.lastError = null;
            this.stand(position, epoch);
          },
          halted: (at) => {
            this.halted = at;
            this.phase = at === null ? 'leading' : 'halted';
          },
          wait: () => this.signal.wait(this.pollMs),
          stopping: () => this.stopping,
        },
      },
      checkpoint.position,
      checkpoint.epoch,
    );
    try {
      await term.run();
    } finally {
      this.halted = null;
    }
  }

  private follow({ position, epoch, haltedPosition, haltedError }: Checkpoint): void {
    this.halted =
      haltedPosition === null ? null : { position: haltedPosition, error: haltedError ?? 'unknown error' };
    this.stand(position, epoch);
  }

  private stand(position: bigint, epoch: string): void {
    this.position = position;
    this.epoch = epoch;
    this.waiters.reach(position);
  }

  private admit(checkpoint: Checkpoint | null): Checkpoint {
    const { handler } = this.options;
    if (checkpoint?.version !== handler.version) {
      throw new ProjectionMissingError(
        `There is no live projection ${handler.name} of version ${handler.version} in this database.`,
        { hint: 'Run the migrations of this version.' },
      );
    }
    if (checkpoint.codeHash !== '' && checkpoint.codeHash !== handler.codeHash()) {
      throw new CodeMismatchError(
        `Projection ${handler.name} was made by other code (${checkpoint.codeHash.slice(0, 12)}, this is ` +
          `${handler.codeHash().slice(0, 12)}): going on would subtract what was never added.`,
        {
          hint: handler.canReseed(checkpoint.codeHash)
            ? 'Reseed it (sums are made again from the stored states) or rebuild it.'
            : 'Rebuild it: the stored states were folded by other code, too.',
        },
      );
    }
    return checkpoint;
  }

  private async recover(error: unknown): Promise<void> {
    const { logger, handler } = this.options;
    const message = errorMessage(error);
    const told = this.lastError === message;
    this.lastError = message;
    const fields = { projection: handler.name, err: error };
    if (error instanceof CodeMismatchError || error instanceof ProjectionMissingError) {
      this.phase = 'refused';
      if (!told) logger.error(fields, `${message} ${error.hint ?? ''}`);
      await this.pause(this.pollMs);
      return;
    }
    this.phase = 'retrying';
    const kind = classifyPgError(error);
    if (kind === 'conflict') {
      logger.warn(fields, 'checkpoint moved by another runner: stepping down');
      await this.pause(Math.random() * CONFLICT_PAUSE_MS);
      return;
    }
    this.failures += 1;
    if (!told && kind === 'retry') logger.warn(fields, 'projection interrupted, retrying');
    if (!told && kind !== 'retry') logger.error(fields, 'projection failed, retrying');
    const ceiling = Math.min(LONGEST_BACK_OFF_MS, 100 * 2 ** Math.min(this.failures, 10));
    await this.pause(ceiling * (0.5 + Math.random() / 2));
  }

  /** Waits `ms` whatever is appended meanwhile; stop ends it. */
  private async pause(ms: number): Promise<void> {
    const until = performance.now() + ms;
    for (let left = ms; left > 0 && !this.stopping; left = until - performance.now()) {
      await this.signal.wait(left);
    }
  }
}
