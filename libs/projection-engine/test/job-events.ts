import { type LogEvent } from '@quipu/contracts';

let count = 0;

/** An event about `subject`, each time another one. */
export function jobEvent(subject: string, data: Record<string, unknown> = {}): LogEvent {
  count += 1;
  return {
    tenant: 'acme',
    source: 'test',
    id: `event-${count}`,
    type: 'job.queued',
    subject,
    time: Date.UTC(2024, 0, 1) + count,
    dataversion: 1,
    data,
  };
}
