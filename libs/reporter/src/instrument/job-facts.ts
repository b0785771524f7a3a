import { createHash } from 'node:crypto';
import {
  type JobData,
  MAX_ATTRIBUTE_LENGTH,
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

/** `job/<queue>/<id>@<enqueued ms>`: BullMQ's ids are per queue and start again. */
export function jobSubject(queue: string, id: string, enqueuedMs: number): string {
  const subject = tidyText(`job/${queue}/${id}@${enqueuedMs}`, Infinity);
  if (subject.length <= MAX_ATTRIBUTE_LENGTH) return subject;
  const hash = createHash('sha256').update(subject).digest('hex').slice(0, HASH_LENGTH);
  return `${subject.slice(0, MAX_ATTRIBUTE_LENGTH - HASH_LENGTH - 1)}~${hash}`;
}

function isFunction<T>(value: PerJob<T>): value is (job: JobView) => T {
  return typeof value === 'function';
}

/** Says of each job whose it is, as the options do. */
export class JobNames {
  constructor(
    private readonly options: InstrumentOptions,
    private readonly tell: (error: unknown) => void,
  ) {}

  /** @throws whatever the program's function for the tenant throws. */
  of(job: BullJob, queueName = job.queueName): JobFacts {
    const { options } = this;
    const queue = options.queue ?? queueName;
    const nodes = this.ask(options.nodes, job) ?? 1;
    return {
      tenant: isFunction(options.tenant) ? options.tenant(job) : options.tenant,
      subject: jobSubject(queue, job.id ?? '', job.timestamp),
      fields: {
        queue: tidyText(queue, MAX_NAME_LENGTH),
        ...named('taskName', job.name),
        ...named('taskType', this.ask(options.taskType, job)),
        ...named('user', this.ask(options.user, job)),
        ...named('cluster', this.ask(options.cluster, job)),
        ...named('clusterTemplate', this.ask(options.clusterTemplate, job)),
        ...(job.priority ? { priority: job.priority } : {}),
        nodes: Number.isFinite(nodes) ? Math.min(Math.max(Math.round(nodes), 0), MAX_NODES) : 1,
        ...labelled(this.ask(options.labels, job)),
      },
    };
  }

  private ask<T>(value: PerJob<T> | undefined, job: BullJob): T | undefined {
    if (value === undefined || !isFunction(value)) return value;
    try {
      return value(job);
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }
}

function named(field: string, value: string | undefined): Record<string, string> {
  return value === undefined || value === null || value === ''
    ? {}
    : { [field]: tidyText(String(value), MAX_NAME_LENGTH) };
}

function labelled(labels: Readonly<Record<string, string>> | undefined): { labels?: Record<string, string> } {
  if (labels === undefined || labels === null) return {};
  const tidy = Object.entries(labels).map(([name, value]) => [
    name,
    tidyText(String(value), MAX_NAME_LENGTH),
  ]);
  return tidy.length === 0 ? {} : { labels: Object.fromEntries(tidy) as Record<string, string> };
}

/** `workerTenant`, unless it is the one that an event without it means. */
export function workerFields(id: string, tenant: string): { worker: string; workerTenant?: string } {
  return tenant === PLATFORM_TENANT ? { worker: id } : { worker: id, workerTenant: tenant };
}
