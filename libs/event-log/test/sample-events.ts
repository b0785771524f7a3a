import type { LogEvent } from '@quipu/contracts';

let made = 0;

/** A valid event with an identity of its own, unless the given parts say otherwise. */
export function sampleEvent(parts: Partial<LogEvent> = {}): LogEvent {
  made += 1;
  return {
    tenant: `tenant-${made % 7}`,
    source: 'sample',
    id: `event-${made}`,
    type: 'job.started',
    subject: `job/queue-${made % 3}/${made}@1700000000000`,
    time: 1_700_000_000_000 + made,
    dataversion: 1,
    data: {
      attempt: 1,
      cluster: 'c1',
      nodes: made % 128,
      queue: `queue-${made % 3}`,
      user: `user-${made % 69}`,
    },
    ...parts,
  };
}

/** Several of them. */
export function sampleEvents(count: number, parts: Partial<LogEvent> = {}): LogEvent[] {
  return Array.from({ length: count }, () => sampleEvent(parts));
}
