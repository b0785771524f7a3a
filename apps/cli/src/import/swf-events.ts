import { hash } from 'node:crypto';
import { type EventType, type LogEvent } from '@quipu/contracts';
import { traceOf, type SwfHeader } from './swf-header.js';
import { type SwfJob } from './swf-line.js';

/** Which field of a workload names the tenant; a fixed one is `{ name }`. */
export type TenantBy = 'group' | 'user' | 'queue' | 'partition' | { readonly name: string };

/** How the jobs of one workload become events. */
export interface SwfMapping {
  /** The header, its UnixStartTime already shifted if the workload is. */
  readonly header: SwfHeader;
  readonly tenantBy: TenantBy;
  /** Steps after this instant (ms) are left out. */
  readonly untilMs?: number;
}

/** The events of one job, in order of time, and how many steps were left out. */
export interface SwfJobEvents {
  readonly events: LogEvent[];
  readonly leftOut: number;
}

/**
 * Turns jobs of one workload into `job.queued`, `job.started` and the event of their end. The same line
 * always gives the same events: nothing in them depends on the place in the file, the time of the import or
 * the lines around.
 */
export class SwfMapper {
  readonly source: string;
  private readonly trace: string;
  private readonly untilMs: number;

  constructor(private readonly mapping: SwfMapping) {
    this.trace = traceOf(mapping.header);
    this.source = `swf:${this.trace}`;
    this.untilMs = mapping.untilMs ?? Infinity;
  }

  /** Tenant that a job belongs to. */
  tenantOf(job: SwfJob): string {
    const by = this.mapping.tenantBy;
    if (typeof by === 'object') return by.name;
    if (by === 'group') return `g${job.group}`;
    if (by === 'user') return `u${job.user}`;
    return by === 'queue' ? `q${job.queue}` : `p${job.partition}`;
  }

  events(job: SwfJob): SwfJobEvents {
    const tenant = this.tenantOf(job);
    const subject = `job/${this.trace}-${job.number}`;
    const idStem = `${job.number}-${hash('sha256', job.text).slice(0, 16)}`;
    const queuedAt = submittedAt(this.mapping.header, job);
    const startedAt = queuedAt + Math.round(Math.max(0, job.wait) * 1000);
    const known = job.runtime >= 0;
    const endedAt = known ? startedAt + Math.round(job.runtime * 1000) : startedAt;
    const event = (step: string, time: number, data: LogEvent['data']): LogEvent => ({
      tenant,
      source: this.source,
      id: `${idStem}-${step}`,
      type: `job.${step}` as EventType,
      subject,
      time,
      dataversion: 1,
      data,
    });
    const steps = [
      event('queued', queuedAt, {
        queue: `q${job.queue}`,
        user: `u${job.user}`,
        cluster: `p${job.partition}`,
        nodes: job.nodes,
      }),
      event('started', startedAt, {}),
      event(known ? job.outcome : 'aborted', endedAt, {}),
    ];
    const events = steps.filter((step) => step.time <= this.untilMs);
    return { events, leftOut: steps.length - events.length };
  }
}

/** Instant (ms) at which a job was submitted. */
export function submittedAt(header: SwfHeader, job: Pick<SwfJob, 'submit'>): number {
  return header.unixStartTime * 1000 + Math.round(job.submit * 1000);
}

/**
 * The header of the same workload shifted so that its latest submit, `latestSubmit` seconds after its start,
 * falls on the whole second of `endingMs`.
 */
export function shiftHeader(header: SwfHeader, latestSubmit: number, endingMs: number): SwfHeader {
  return { ...header, unixStartTime: Math.floor(endingMs / 1000) - Math.ceil(latestSubmit) };
}
