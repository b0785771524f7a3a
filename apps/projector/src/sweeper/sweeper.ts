import type { LogEvent } from '@quipu/contracts';
import type { EventLog } from '@quipu/event-log';
import { errorMessage, type IoSteps, type Logger, noIoSteps } from '@quipu/platform';
import { LeaderSession } from '@quipu/projection-engine';
import {
  ASIDE_REASONS,
  type AsideReason,
  type Ending,
  type EndingPlace,
  feed,
  forgetEndings,
  type Found,
  Hearing,
  judge,
  type KeptPlace,
  lossReports,
  type Outlook,
  readDue,
  readLeft,
  readOutlook,
  readWoken,
  wakingReport,
  whyAside,
  type WorkerPlace,
  type WorkerRecord,
} from '@quipu/sweeper';
import { setTimeout as delay } from 'node:timers/promises';
import { Batch } from './batch.js';
import { Posture } from './posture.js';
import { SentReports } from './sent-reports.js';
import { SweeperQueue } from './sweeper-queue.js';

/** What a {@link Sweeper} needs. */
export interface SweeperOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly log: Pick<EventLog, 'readSelected'>;
  /** Silence after which a worker is lost, ms. */
  readonly leaseMs: number;
  readonly logger: Logger;
  readonly io?: IoSteps;
  /** Time between two sweeps, ms; default a second. */
  readonly pollMs?: number;
  /** Age at which a judgement is not reported any more, ms; default two seconds. */
  readonly staleMs?: number;
  /** Looks that are further apart leave room for an outage that nobody noticed, ms; by default a part of the lease. */
  readonly longestGapMs?: number;
}

/** What is known when it is judged. */
interface Judged {
  readonly outlook: Outlook;
  readonly due: Found<WorkerRecord, WorkerPlace>;
  readonly left: Found<WorkerRecord, WorkerPlace>;
  readonly woken: Found<Ending, EndingPlace>;
}

/** Where the next sweep reads on among those that something is to be said of; null: from the first. */
interface Places {
  due: WorkerPlace | null;
  left: WorkerPlace | null;
  woken: EndingPlace | null;
}

const NOBODY = { found: [], next: null };

/** Election name; no projection is called so. */
const NAME = 'sweeper';
/** A judgement that is older is not reported: whoever was stopped in between would speak of what was. */
const STALE_MS = 2_000;
/** Part of that time within which a judgement must be made for there to be time for more. */
const QUICK = 1 / 4;
/** Looks that are further apart than this, or a quarter of the lease, do not show that nothing was away meanwhile, ms. */
const LONGEST_GAP_MS = 5_000;
/** Chunks of the log read in one sweep: after a rebuild the whole log is read on, beside everything else. */
const CHUNKS_PER_SWEEP = 50;
/** Looks of one sweep, while the queue is not empty. */
const MOST_LOOKS = 20;
const BETWEEN_LOOKS_MS = 25;
/** How often it is looked through what need not be kept any more, a part with each sweep, ms. */
const FORGET_EVERY_MS = 600_000;
/** How often `sweeper_state` says that somebody sweeps, ms. */
const SEEN_EVERY_MS = 10_000;
const LONGEST_BACK_OFF_MS = 5_000;

/**
 * Finds workers that have fallen silent, and reports through the queue, like everybody, that they are lost and that
 * their runs ended with the last that was heard of them; and takes that back when they are heard again.
 *
 * One of any number of sweepers is elected; nothing depends on there being only one, because what is reported, its
 * identity included, follows from the log alone. Killed at any moment, the next sweep says what is still to be said.
 */
export class Sweeper {
  private readonly queue: SweeperQueue;
  private readonly hearing: Hearing;
  private readonly sent = new SentReports();
  private readonly io: IoSteps;
  private readonly pollMs: number;
  private readonly staleMs: number;
  private readonly batch = new Batch();
  private readonly stopping = new AbortController();
  private posture = new Posture(performance.now());
  private places: Places = { due: null, left: null, woken: null };
  private running: Promise<void> | null = null;
  private failures = 0;
  private seenMs = -Infinity;
  /** Where it looks on for what need not be kept any more, and when it began to look. */
  private keptPlace: KeptPlace | null = null;
  private forgotAtMs = -Infinity;
  /** When it was last asked what those who are lost still hold. */
  private leftAtMs = -Infinity;

  constructor(private readonly options: SweeperOptions) {
    this.pollMs = options.pollMs ?? 1_000;
    this.staleMs = options.staleMs ?? STALE_MS;
    const gapMs = Math.min(LONGEST_GAP_MS, Math.max(options.leaseMs / 4, 3 * this.pollMs));
    this.hearing = new Hearing(options.longestGapMs ?? gapMs);
    this.io = options.io ?? noIoSteps;
    this.queue = new SweeperQueue(options.redisUrl, () => this.hearing.broken());
  }

  /** Workers that it judges at once, now. */
  get atOnce(): number {
    return this.batch.size;
  }

  /** Starts in the background; never fails. */
  start(): void {
    this.running ??= this.loop();
  }

  /** Ends the sweep under way and gives up the election. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.queue.close();
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      let session: LeaderSession | null = null;
      try {
        session = await LeaderSession.open(this.options.databaseUrl, NAME, this.io);
        while (!this.stopped && !(await session.tryLead(NAME))) await this.pause();
        // Another one may have led meanwhile, and this one has not looked.
        this.hearing.broken();
        this.posture = new Posture(performance.now());
        while (!this.stopped) {
          await this.sweep(session);
          this.failures = 0;
          await this.pause();
        }
      } catch (error) {
        this.hearing.broken();
        if (this.failures === 0) this.options.logger.warn({ err: error }, 'sweeper interrupted, retrying');
        this.failures += 1;
        await this.pause(Math.min(LONGEST_BACK_OFF_MS, 100 * 2 ** Math.min(this.failures, 10)));
      } finally {
        await session?.close();
      }
    }
  }

  /**
   * Sweeps once. Where events come in all the time it looks for a calm moment, of which there are many within a second
   * as long as they are taken in faster than they come.
   * @throws when the database is away, or somebody else sweeps.
   */
  private async sweep(session: LeaderSession): Promise<void> {
    let reason: AsideReason | null = 'queue';
    for (let tries = 0; reason === 'queue' && tries < MOST_LOOKS && !this.stopped; tries += 1) {
      if (tries > 0) await this.pause(BETWEEN_LOOKS_MS);
      reason = await this.tryOnce(session);
    }
    await this.standAside(session, reason);
  }

  /** Looks, reads on, judges, reports. Returns why it did not judge, or null. */
  private async tryOnce(session: LeaderSession): Promise<AsideReason | null> {
    const client = session.queryable;
    const lookedAtMs = performance.now();
    await this.io.step('sweeper.look:before');
    const looked = await readOutlook(client);
    const queued = await this.look(looked);
    await this.io.step('sweeper.look:after');
    if (queued === null) return 'redis';
    if (queued > 0) return 'queue';

    let { position } = looked;
    let read = 0;
    for (; position < looked.head && read < CHUNKS_PER_SWEEP && !this.stopped; read += 1) {
      position = await feed(client, this.options.log, this.io, position, looked.head);
    }
    // That took its time: what is judged must be of now.
    if (read > 1) return 'queue';
    const { leaseMs } = this.options;
    const hearingSinceMs = this.hearing.sinceMs;
    // Whoever may not judge need not ask of whom.
    const mayJudge = hearingSinceMs !== null && looked.nowMs - hearingSinceMs >= leaseMs;
    const judged = await this.read(session, looked.nowMs - leaseMs, mayJudge);
    const reason = whyAside({ leaseMs, hearingSinceMs, queued, looked, judged: judged.outlook });
    // That a worker is alive is true at any time; that it is not must wait until everybody could be heard.
    const wakings = reason === null || reason === 'hearing' ? judged.woken.found : [];
    const reports = wakings.flatMap((ending) => wakingReport(ending) ?? []);
    if (reason === null && hearingSinceMs !== null) {
      const lease = { nowMs: looked.nowMs, leaseMs, hearingSinceMs };
      for (const worker of [...judged.due.found, ...judged.left.found])
        reports.push(...judge(worker, lease).flatMap(lossReports));
    }
    const unsaid = await this.report(reports, session, lookedAtMs);
    const age = (performance.now() - lookedAtMs) / this.staleMs;
    if (age < QUICK && judged.due.next !== null) this.batch.grow();
    // Of one worker alone nothing smaller can be asked: the others have their turn.
    if ((age > 1 && this.batch.shrink(age)) || unsaid === 'redis') {
      this.leftAtMs = -Infinity;
      return unsaid ?? reason;
    }
    if (reason === null || reason === 'hearing') this.places.woken = judged.woken.next;
    if (reason === null) Object.assign(this.places, { due: judged.due.next, left: judged.left.next });
    if (reason === null) await this.forget(session, judged.outlook);
    return reason ?? unsaid;
  }

  /** Forgets some of the endings that need not be kept any more. */
  private async forget(session: LeaderSession, { ledger, nowMs }: Outlook): Promise<void> {
    const now = performance.now();
    if (ledger === null || (this.keptPlace === null && now - this.forgotAtMs < FORGET_EVERY_MS)) return;
    if (this.keptPlace === null) this.forgotAtMs = now;
    this.keptPlace = await forgetEndings(session.queryable, ledger, nowMs, this.keptPlace);
  }

  /** Jobs in the queue; null when it does not answer. Notes whether everybody could be heard. */
  private async look({ nowMs }: Outlook): Promise<number | null> {
    const before = performance.now();
    try {
      const open = await this.queue.open();
      this.hearing.good({ nowMs, monotonicMs: before });
      return open;
    } catch (error) {
      this.options.logger.debug({ reason: errorMessage(error) }, 'the sweeper cannot look at the queue');
      this.hearing.broken();
      return null;
    }
  }

  /** Everything that a judgement needs, in one snapshot. */
  private async read(session: LeaderSession, untilMs: number, mayJudge: boolean): Promise<Judged> {
    const client = session.queryable;
    const now = performance.now();
    await this.io.step('sweeper.judge:before');
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const outlook = await readOutlook(client);
    const ledger = mayJudge ? outlook.ledger : null;
    const page = <P>(after: P) => ({ after, most: this.batch.size });
    const { places } = this;
    const due = ledger === null ? NOBODY : await readDue(client, ledger, untilMs, page(places.due));
    let left: Judged['left'] = NOBODY;
    if (ledger !== null && (places.left !== null || now - this.leftAtMs >= this.options.leaseMs)) {
      if (places.left === null) this.leftAtMs = now;
      left = await readLeft(client, ledger, untilMs, page(places.left));
    }
    const woken = await readWoken(client, page(places.woken));
    await client.query('COMMIT');
    await this.io.step('sweeper.judge:after');
    return { outlook, due, left, woken };
  }

  /** Says what is to be said now. Returns why it did not, or null. */
  private async report(
    events: readonly LogEvent[],
    session: LeaderSession,
    lookedAtMs: number,
  ): Promise<AsideReason | null> {
    const now = performance.now();
    // A worker may be due and have lost another life before.
    const distinct = [...new Map(events.map((event) => [event.id, event])).values()];
    const due = this.sent.due(distinct, now);
    if (due.length === 0) return null;
    // A zombie: its election may be somebody else's by now, and its judgement of another time.
    await session.queryable.query('SELECT 1');
    if (this.hearing.sinceMs === null) return 'redis';
    if (performance.now() - lookedAtMs > this.staleMs) return 'slow';
    await this.io.step('sweeper.report:before');
    await this.queue.report(due);
    await this.io.step('sweeper.report:after');
    this.sent.note(due, now);
    for (const { type, tenant, subject, time } of due) {
      if (type !== 'worker.lost') continue;
      const fields = { tenant, worker: subject, lastHeard: new Date(time).toISOString() };
      this.options.logger.warn(fields, 'worker declared lost');
    }
    const woken = due.filter(({ type }) => type === 'job.progressed').length;
    if (woken > 0) this.options.logger.info({ attempts: woken }, 'a lost worker is alive: its runs go on');
    return null;
  }

  /** Tells, once per change and not for what is over in a moment, why nobody is judged. */
  private async standAside(session: LeaderSession, reason: AsideReason | null): Promise<void> {
    const now = performance.now();
    const told = this.posture.note(reason, now);
    if (told === undefined && now - this.seenMs < SEEN_EVERY_MS) return;
    if (told === null) this.options.logger.info('the sweeper judges');
    else if (told !== undefined) this.options.logger.info(`the sweeper stands aside: ${ASIDE_REASONS[told]}`);
    await session.queryable.query(
      `UPDATE sweeper_state SET seen_ms = floor(extract(epoch FROM clock_timestamp()) * 1000),
         aside = CASE WHEN $2 THEN $1 ELSE aside END,
         aside_since_ms = CASE WHEN NOT $2 THEN aside_since_ms
                               WHEN $1::text IS NOT NULL THEN floor(extract(epoch FROM clock_timestamp()) * 1000) END`,
      [told ?? null, told !== undefined],
    );
    this.seenMs = now;
  }

  private async pause(ms = this.pollMs): Promise<void> {
    await delay(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
