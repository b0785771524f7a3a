import type { CurrentEvent, EventType } from '@quipu/contracts';
import type { Contributions } from './contributions.js';
import type { EntityFold, Folded, Part } from './entity-fold.js';
import { carried } from './facts.js';
import { isEstimate } from './job-attempts.js';
import type { JobBounds } from './job-metrics.js';
import { LatestFact } from './latest.js';
import { NaiveArtifact } from './naive-artifact.js';
import { HostRoot, NaiveAlert, NaiveHost } from './naive-host.js';
import { NaiveInstance } from './naive-instance.js';
import { naiveJob } from './naive-job.js';
import { naiveNode } from './naive-node.js';
import { NaiveRecord, NaiveToken, RECORD_KINDS } from './naive-record.js';
import { NaiveWorkflow, UserRoot } from './naive-user.js';
import { NaiveWorker, WorkerRoot } from './naive-worker.js';

/** What makes the fold of one subject of a tenant. */
type MakeFold = (tenant: string, subject: string, bounds: JobBounds) => EntityFold;

/** What is folded of each kind: the part of an event's type before the dot. */
const FOLDS = new Map<string, MakeFold>([
  ...RECORD_KINDS.map((kind): [string, MakeFold] => [
    kind,
    (tenant, subject) => new NaiveRecord(kind, tenant, subject),
  ]),
  ['token', (tenant, subject) => new NaiveToken(tenant, subject)],
  ['artifact', (tenant) => new NaiveArtifact(tenant)],
  ['workflow', (tenant) => new NaiveWorkflow(tenant)],
  ['host', (tenant, subject) => new NaiveHost(tenant, subject)],
  ['alert', (tenant) => new NaiveAlert(tenant)],
  ['instance', (tenant) => new NaiveInstance(tenant)],
  ['worker', (tenant, subject) => new NaiveWorker(tenant, subject)],
  [
    'job',
    (tenant, subject, bounds) => new Buffered((events) => naiveJob(tenant, subject, events, bounds), isSign),
  ],
  [
    'node',
    (tenant, subject) =>
      new Buffered((events) => ({ contributions: naiveNode(tenant, subject, events), parts: [] })),
  ],
]);

/** Of signs of life and estimated ends only the last of an attempt counts. */
function isSign(event: CurrentEvent): boolean {
  return event.type === 'job.progressed' || isEstimate(event);
}

/**
 * Folds all events at once; of those that are signs only the last of each type and attempt, because a job that reports
 * its progress every second must not fill the memory.
 */
class Buffered implements EntityFold {
  private readonly events: CurrentEvent[] = [];
  private readonly lastSigns = new Map<string, LatestFact<CurrentEvent>>();

  constructor(
    private readonly fold: (events: readonly CurrentEvent[]) => Folded,
    private readonly isSign: (event: CurrentEvent) => boolean = () => false,
  ) {}

  add(event: CurrentEvent): void {
    if (!this.isSign(event)) {
      this.events.push(event);
      return;
    }
    const key = JSON.stringify([event.type, carried(event, 'attempt') ?? 1]);
    const last = this.lastSigns.get(key) ?? new LatestFact<CurrentEvent>();
    last.add(event);
    this.lastSigns.set(key, last);
  }

  close(): Folded {
    const signs = [...this.lastSigns.values()].flatMap(({ latest }) => latest ?? []);
    return this.fold([...this.events, ...signs]);
  }
}

/** The kind of entity that an event of a type is about. */
export function kindOf(type: EventType): string {
  return type.slice(0, type.indexOf('.'));
}

/** The fold of one subject of a kind; null for a kind of which nothing is folded. */
export function foldOf(kind: string, ...[tenant, subject, bounds]: Parameters<MakeFold>): EntityFold | null {
  return FOLDS.get(kind)?.(tenant, subject, bounds) ?? null;
}

/** Puts the parts together that several entities say about one. */
export class Root {
  private readonly worker: WorkerRoot;
  private readonly user: UserRoot;
  private readonly host: HostRoot;

  constructor(
    readonly kind: Part['root'],
    readonly tenant: string,
    readonly id: string,
  ) {
    this.worker = new WorkerRoot(tenant);
    this.user = new UserRoot(tenant, id);
    this.host = new HostRoot(tenant, id);
  }

  /** Takes one more part into account. */
  add(part: Part): void {
    if (part.root === 'worker') this.worker.add(part.says);
    else if (part.root === 'user') this.user.add(part.says);
    else this.host.add(part.says);
  }

  /** What the entity contributes. */
  contributions(): Contributions {
    return this[this.kind].contributions();
  }
}
