import { type LogEvent } from '@quipu/contracts';

/** The steps of one job after another, now: queued, started, completed. */
export function jobStep(tenant: string, index: number): LogEvent {
  const job = Math.floor(index / 3);
  const type = (['job.queued', 'job.started', 'job.completed'] as const)[index % 3]!;
  const data =
    type === 'job.queued' ? { queue: `q${job % 5}`, user: `u${job % 50}`, nodes: 1 + (job % 8) } : {};
  return {
    ...{ tenant, source: 'bench', id: String(index), type, subject: `job/bench-${job}` },
    ...{ time: Date.now(), dataversion: 1, data },
  };
}
