import { createHash } from 'node:crypto';
import {
  type JobData,
  MAX_ATTRIBUTE_LENGTH,
  MAX_EVENT_BYTES,
  MAX_LABEL_LENGTH,
  MAX_LIST_LENGTH,
  MAX_NAME_LENGTH,
  MAX_NODES,
  PLATFORM_TENANT,
} from '@quipu/contracts';
import type { BullJob, JobView } from './bull.js';
import type { InstrumentOptions, PerJob } from './options.js';

/** Whose a job is, what the ledger calls it, and what is known of it from the start. */
export interface JobFacts {
  readonly tenant: string;
  readonly subject: string;
  readonly fields: JobData;
}

/** Most characters of a message that travels: a stack that was put into one would fill the log. */
const MAX_MESSAGE = 1_000;
const HASH_LENGTH = 16;
/** Most bytes of a job's labels: half of what an event may have. */
const MAX_LABEL_BYTES = MAX_EVENT_BYTES / 2;

/** Texts of ES2024, which this library's target does not know yet, and Node 20 does. */
interface WellFormed {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

/** A text that the log takes: well-formed, without NUL. */
export function tidyText(text: string, max: number): string {
  const cut = text.length > max ? text.slice(0, max) : text;
  const form = cut as unknown as WellFormed;
  if (!cut.includes('\u0000') && form.isWellFormed()) return cut;
  return form.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** What an error says, for people. */
export function messageOf(error: unknown): string {
  return tidyText(error instanceof Error ? error.message : String(error), MAX_MESSAGE);
}

/** A text that the log takes, which stays apart from all others even if it has to be cut. */
export function tidyId(text: string, max: number): string {
  const tidy = tidyText(text, Infinity);
  if (tidy.length <= max) return tidy;
  const hash = createHash('sha256').update(tidy).digest('hex').slice(0, HASH_LENGTH);
  return tidyText(`${tidy.slice(0, max - HASH_LENGTH - 1)}~${hash}`, max);
}

/** `job/<queue>/<id>@<enqueued ms>`: BullMQ's ids are per queue and start again. */
export function jobSubject(queue: string, id: string, enqueuedMs: number): string {
  return tidyId(`job/${queue}/${id}@${enqueuedMs}`, MAX_ATTRIBUTE_LENGTH);
}

function isFunction<T>(value: PerJob<T>): value is (job: JobView) => T {
  return typeof value === 'function';
}

/** Says of each job whose it is, as the options do. */
export class JobNames {
  private toldOfLabels = false;

  constructor(
    private readonly options: InstrumentOptions,
    private readonly tell: (error: unknown) => void,
  ) {}

  /** @throws whatever the program's function for the tenant throws. */
  of(job: BullJob, queueName = job.queueName): JobFacts {
    const { options } = this;
    const queue = options.queue === undefined || options.queue === '' ? queueName : options.queue;
    const nodes = this.ask(options.nodes, job) ?? 1;
    return {
      tenant: isFunction(options.tenant) ? options.tenant(job) : options.tenant,
      subject: jobSubject(queue, job.id ?? '', job.timestamp),
      fields: {
        queue: tidyText(queue, MAX_NAME_LENGTH),
        ...named('taskName', job.name),
        ...this.named('taskType', options.taskType, job),
        ...this.named('user', options.user, job),
        ...this.named('cluster', options.cluster, job),
        ...this.named('clusterTemplate', options.clusterTemplate, job),
        ...(job.priority ? { priority: job.priority } : {}),
        nodes: Number.isFinite(nodes) ? Math.min(Math.max(Math.round(nodes), 0), MAX_NODES) : 1,
        ...this.labelled(job),
      },
    };
  }

  private ask<T>(value: PerJob<T> | undefined, job: BullJob): T | undefined {
    return this.quietly(() => (value !== undefined && isFunction(value) ? value(job) : value));
  }

  private named(field: string, value: PerJob<string | undefined> | undefined, job: BullJob): JobData {
    return this.quietly(() => named(field, this.ask(value, job))) ?? {};
  }

  private labelled(job: BullJob): JobData {
    const given = this.ask(this.options.labels, job);
    if (given === undefined || given === null) return {};
    const labels = this.quietly(() => tidyLabels(given));
    if (labels === undefined) return {};
    if (labels.left > 0 && !this.toldOfLabels) {
      this.toldOfLabels = true;
      this.tell(new Error(`${labels.left} labels of a job were left out: ${LABELS_ALLOWED}`));
    }
    return Object.keys(labels.kept).length === 0 ? {} : { labels: labels.kept };
  }

  private quietly<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }
}

/** A name under its field; nothing if it is empty. */
export function named(field: string, value: string | undefined): Record<string, string> {
  return value === undefined || value === null || value === ''
    ? {}
    : { [field]: tidyText(String(value), MAX_NAME_LENGTH) };
}

const LABELS_ALLOWED = `at most ${MAX_LIST_LENGTH} and ${MAX_LABEL_BYTES} bytes, of different names`;

/** The labels that the log takes, and how many it would not. Names and values are cut. */
function tidyLabels(labels: Readonly<Record<string, string>>): {
  kept: Record<string, string>;
  left: number;
} {
  const kept = new Map<string, string>();
  let left = 0;
  let bytes = 0;
  for (const [given, value] of Object.entries(labels)) {
    if (given === '' || kept.size === MAX_LIST_LENGTH) {
      left += 1;
      continue;
    }
    const name = tidyText(given, MAX_LABEL_LENGTH);
    const text = tidyText(String(value), MAX_NAME_LENGTH);
    bytes += Buffer.byteLength(JSON.stringify([name, text]));
    if (kept.has(name) || bytes > MAX_LABEL_BYTES) left += 1;
    else kept.set(name, text);
  }
  return { kept: Object.fromEntries(kept), left };
}

/** `workerTenant`, unless it is the one that an event without it means. */
export function workerFields(id: string, tenant: string): { worker: string; workerTenant?: string } {
  return tenant === PLATFORM_TENANT ? { worker: id } : { worker: id, workerTenant: tenant };
}
