import { type CurrentEvent, PLATFORM_TENANT, type StoredEvent, upcast } from '@quipu/contracts';
import { type Ending, wake } from './ending.js';
import { addFact, isInTouch, type Life, type LifeFact, type LifeKey, newLife, type Sign } from './life.js';
import { SWEEPER_SOURCE, WORKER_PREFIX } from './selection.js';

/** What the sweeper has said so far, as the log tells. */
export interface SweeperCounts {
  /** Lives of workers declared lost. */
  lost: number;
  /** Attempts ended by estimate. */
  ended: number;
  /** Ends taken back, since the worker was alive. */
  woken: number;
}

/** Lives of one worker that are kept although they are over: a life may return, but names are used for years. */
const KEPT_OVER = 8;

/**
 * Lives of workers and the attempts that ended with them, as far as a batch of events touches them; filled from the
 * tables, changed by the events in the order of the log, and written back.
 */
export class Roll {
  readonly counts: SweeperCounts = { lost: 0, ended: 0, woken: 0 };
  private readonly workers = new Map<string, Map<string, Life>>();
  private readonly endingsOfJobs = new Map<string, Set<Ending>>();
  private readonly endingsOfLives = new Map<string, Set<Ending>>();
  private readonly changed = new Set<Life>();
  private readonly changedEndings = new Set<Ending>();
  private readonly forgotten = new Set<Ending>();

  /** @param lives every stored life of the workers that the events name. */
  constructor(lives: readonly Life[], endings: readonly Ending[]) {
    for (const life of lives) this.livesOf(life).set(life.life, life);
    for (const ending of endings) this.keep(ending);
  }

  /** Takes in an event. Those that say nothing about lives change nothing. */
  take(stored: StoredEvent): void {
    const event = upcast(stored);
    const own = event.source === SWEEPER_SOURCE;
    if (event.type.startsWith(WORKER_PREFIX.replace('/', '.'))) this.takeLife(event, stored.recordedMs, own);
    else if (own && event.type === 'job.aborted' && event.data.estimated === true) this.takeEnding(event);
    else if (own && event.type === 'job.progressed') this.takeWaking(event);
  }

  /** What has to be written: lives and endings that are new or other than before, and those that are over. */
  changes(): { lives: Life[]; endings: Ending[]; overLives: Life[]; overEndings: Ending[] } {
    const overLives: Life[] = [];
    const touched = new Set([...this.changed].map((life) => workerName(life)));
    for (const name of touched) overLives.push(...surplus([...this.workers.get(name)!.values()]));
    const gone = new Set(overLives);
    return {
      lives: [...this.changed].filter((life) => !gone.has(life)),
      endings: [...this.changedEndings].filter((ending) => !this.forgotten.has(ending)),
      overLives,
      overEndings: [...this.forgotten],
    };
  }

  private takeLife(event: CurrentEvent, recordedMs: number, own: boolean): void {
    if (!event.subject.startsWith(WORKER_PREFIX)) return;
    const data = event.data as { life?: string; estimated?: boolean; since?: string };
    const key: LifeKey = {
      tenant: event.tenant,
      worker: event.subject.slice(WORKER_PREFIX.length),
      life: data.life ?? '',
    };
    const fact = factOf(event, recordedMs);
    if (fact === null) return;
    if (fact.kind === 'retired') {
      for (const life of this.livesOf(key).values()) {
        life.retired = true;
        this.changed.add(life);
      }
    }
    const life = this.lifeOf(key, event.time);
    this.add(life, fact);
    if (fact.kind === 'presumed-lost' && own) this.counts.lost += 1;
    if ('sign' in fact) this.wakeWith(key, fact.sign);
  }

  private takeEnding(event: CurrentEvent<'job.aborted'>): void {
    const { worker, workerTenant = PLATFORM_TENANT, attempt = 1, life = '' } = event.data as EndingData;
    if (worker === undefined) return;
    this.counts.ended += 1;
    const key: LifeKey = { tenant: workerTenant, worker, life };
    let ending = [...(this.endingsOfJobs.get(attemptName(event, attempt)) ?? [])].find(
      (other) => lifeName(other) === lifeName(key),
    );
    if (ending === undefined) {
      const job = { jobTenant: event.tenant, job: event.subject, attempt };
      this.keep((ending = { ...key, ...job, endedMs: event.time, wokenBy: null }));
    }
    ending.endedMs = Math.max(ending.endedMs, event.time);
    if (ending.wokenBy !== null && ending.wokenBy.timeMs <= ending.endedMs) ending.wokenBy = null;
    wake(ending, this.workers.get(workerName(key))?.get(life)?.sign ?? null);
    this.changedEndings.add(ending);
  }

  /** What was taken back is forgotten: it may end again, with another loss. */
  private takeWaking(event: CurrentEvent<'job.progressed'>): void {
    const { worker, workerTenant = PLATFORM_TENANT, attempt = 1 } = event.data;
    this.counts.woken += 1;
    for (const ending of this.endingsOfJobs.get(attemptName(event, attempt)) ?? []) {
      if (ending.worker !== worker || ending.tenant !== workerTenant || ending.endedMs >= event.time)
        continue;
      this.endingsOfJobs.get(attemptName(event, attempt))?.delete(ending);
      this.endingsOfLives.get(lifeName(ending))?.delete(ending);
      this.forgotten.add(ending);
    }
  }

  private keep(ending: Ending): void {
    const { jobTenant: tenant, job: subject, attempt } = ending;
    add(this.endingsOfJobs, attemptName({ tenant, subject }, attempt), ending);
    add(this.endingsOfLives, lifeName(ending), ending);
  }

  private wakeWith(key: LifeKey, sign: Sign): void {
    for (const ending of this.endingsOfLives.get(lifeName(key)) ?? []) {
      wake(ending, sign);
      this.changedEndings.add(ending);
    }
  }

  private add(life: Life, fact: LifeFact): void {
    addFact(life, fact);
    this.changed.add(life);
  }

  private lifeOf(key: LifeKey, timeMs: number): Life {
    const lives = this.livesOf(key);
    let life = lives.get(key.life);
    if (life === undefined) {
      const retired = [...lives.values()].some((other) => other.retired);
      lives.set(key.life, (life = newLife(key, timeMs, retired)));
    }
    return life;
  }

  private livesOf(key: Omit<LifeKey, 'life'>): Map<string, Life> {
    const name = workerName(key);
    let lives = this.workers.get(name);
    if (lives === undefined) this.workers.set(name, (lives = new Map<string, Life>()));
    return lives;
  }
}

interface EndingData {
  readonly worker?: string;
  readonly workerTenant?: string;
  readonly attempt?: number;
  readonly life?: string;
}

/** What an event says about a life; null for one that says nothing. */
function factOf(event: CurrentEvent, recordedMs: number): LifeFact | null {
  const timeMs = event.time;
  switch (event.type) {
    case 'worker.registered':
      return { kind: 'registered', timeMs };
    case 'worker.retired':
      return { kind: 'retired', timeMs };
    case 'worker.disconnected':
      return { kind: 'ended', timeMs };
    case 'worker.connected':
    case 'worker.heartbeat': {
      const sign: Sign = { timeMs, source: event.source, id: event.id };
      return { kind: event.type === 'worker.connected' ? 'connected' : 'heartbeat', sign, recordedMs };
    }
    case 'worker.lost': {
      const { estimated, since } = event.data;
      if (estimated !== true) return { kind: 'ended', timeMs };
      return { kind: 'presumed-lost', timeMs, sinceMs: since === undefined ? null : Date.parse(since) };
    }
    default:
      return null;
  }
}

/** The lives of one worker that need not be kept: of those that are over, all but the latest. */
function surplus(lives: readonly Life[]): Life[] {
  if (lives.length <= KEPT_OVER) return [];
  const over = lives.filter((life) => !isInTouch(life));
  return over.sort((a, b) => b.sinceMs - a.sinceMs).slice(KEPT_OVER);
}

function workerName({ tenant, worker }: Omit<LifeKey, 'life'>): string {
  return `${tenant}\n${worker}`;
}

function lifeName({ tenant, worker, life }: LifeKey): string {
  return JSON.stringify([tenant, life, worker]);
}

function attemptName({ tenant, subject }: { tenant: string; subject: string }, attempt: number): string {
  return `${tenant}\n${attempt}\n${subject}`;
}

function add(index: Map<string, Set<Ending>>, name: string, ending: Ending): void {
  const found = index.get(name);
  if (found === undefined) index.set(name, new Set([ending]));
  else found.add(ending);
}
