import type { SentEvent } from './test-system.js';

/** The instant at which tests of the query API stand. */
export const NOW = Date.UTC(2026, 2, 2, 12);
export const DAY = 86_400_000;

/** A node that a user held for some seconds, from a day before {@link NOW} on. */
export function nodeOf(tenant: string, user: string, seconds: number, cluster = `c-${tenant}`): SentEvent[] {
  const subject = `node/c/${tenant}-${user}`;
  const time = NOW - DAY;
  const services = cluster.startsWith('c-') ? ['s'] : ['odd'];
  return [
    { type: 'node.allocated', tenant, subject, time, data: { user, cluster, services } },
    { type: 'node.released', tenant, subject, time: time + seconds * 1000 },
  ];
}

/** A job that waits since a second before {@link NOW}. */
export function waitingJob(tenant: string, queue: string, id: string, time = NOW - 1000): SentEvent {
  return {
    type: 'job.queued',
    tenant,
    subject: `job/${queue}/${tenant}-${id}`,
    time,
    data: { queue, user: 'ann' },
  };
}
