import type { CurrentEvent, EventType } from '@quipu/contracts';
import type { Contributions } from './contributions.js';
import type { EntityFold, Folded, Part } from './entity-fold.js';
import type { JobBounds } from './job-metrics.js';
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
  // A job that reports its progress every second must not fill the memory with what corrects nothing.
  [
    'job',
    (tenant, subject, bounds) =>
      new Buffered(
        (event) => event.type !== 'job.progressed',
        (events) => naiveJob(tenant, subject, events, bounds),
      ),
  ],
  [
    'node',
    (tenant, subject) =>
      new Buffered(
        () => true,
        (events) => ({ contributions: naiveNode(tenant, subject, events), parts: [] }),
      ),
  ],
]);

/** Folds all events at once. */
class Buffered implements EntityFold {
  private readonly events: CurrentEvent[] = [];

  constructor(
    private readonly counts: (event: CurrentEvent) => boolean,
    private readonly fold: (events: readonly CurrentEvent[]) => Folded,
  ) {}

  add(event: CurrentEvent): void {
    if (this.counts(event)) this.events.push(event);
  }

  close(): Folded {
    return this.fold(this.events);
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
