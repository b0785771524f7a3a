import { NOW } from './small-events.js';
import type { SentEvent } from './test-system.js';

const MINUTE = 60_000;

/** An instant so many minutes before {@link NOW}. */
export const ago = (minutes: number): number => NOW - minutes * MINUTE;

const iso = (time: number): string => new Date(time).toISOString();

function worker(tenant: string, name: string, minutes: number, data: Record<string, unknown>): SentEvent[] {
  const about = { tenant, subject: `worker/${name}`, time: ago(minutes) };
  return [
    { ...about, type: 'worker.registered', data: { type: 'external', ...data } },
    { ...about, type: 'worker.connected' },
  ];
}

/** What an attempt of a job says: each of its facts, and how many minutes ago. */
function job(
  tenant: string,
  queue: string,
  id: string,
  facts: Readonly<Record<string, number>>,
  data: Record<string, unknown> = {},
): SentEvent[] {
  return Object.entries(facts).map(([type, minutes]) => ({
    ...{ type: `job.${type}`, tenant, subject: `job/${queue}/${id}@1`, time: ago(minutes) },
    data: { queue, user: 'ann', ...(type === 'started' ? data : {}) },
  }));
}

/**
 * A fleet at work. Pool `farm` is the platform's: `s1` (two slots) runs a job of t-acme and one of t-beta, `s2` left half
 * an hour ago. Pool `own` is t-acme's: `a1` runs a job of t-beta, `a2` has not been heard of for half an hour, and with it
 * a job on three nodes was given up. Nobody ever took a job of the queue `dead`.
 */
export const FLEET_WORLD: readonly SentEvent[] = [
  ...worker('superadmin', 's1', 120, { pool: 'farm', host: 'h1', concurrency: 2 }),
  { type: 'worker.heartbeat', tenant: 'superadmin', subject: 'worker/s1', time: NOW - 10_000 },
  ...worker('superadmin', 's2', 120, { pool: 'farm', host: 'h2' }),
  { type: 'worker.disconnected', tenant: 'superadmin', subject: 'worker/s2', time: ago(30) },
  ...worker('t-acme', 'a1', 60, { pool: 'own', host: 'h3' }),
  { type: 'worker.heartbeat', tenant: 't-acme', subject: 'worker/a1', time: NOW - 5_000 },
  ...worker('t-acme', 'a2', 60, { pool: 'own', host: 'h4' }),
  { type: 'worker.heartbeat', tenant: 't-acme', subject: 'worker/a2', time: ago(30) },
  {
    ...{ type: 'worker.lost', tenant: 't-acme', subject: 'worker/a2', time: ago(30), dataversion: 2 },
    data: { estimated: true, since: iso(ago(60)) },
  },
  ...job('t-acme', 'builds', 'j1', { queued: 10, started: 9 }, { worker: 's1' }),
  ...job(
    't-acme',
    'builds',
    'j2',
    { queued: 8, started: 7, completed: 6 },
    { worker: 'a1', workerTenant: 't-acme' },
  ),
  ...job('t-acme', 'builds', 'j3', { queued: 0.25 }),
  ...job('t-acme', 'dead', 'd1', { queued: 3 }),
  ...job('t-beta', 'tests', 'b1', { queued: 5, started: 4 }, { worker: 's1' }),
  ...job('t-beta', 'tests', 'b2', { queued: 4, started: 4 }, { worker: 'a1', workerTenant: 't-acme' }),
  ...job(
    't-acme',
    'nightly',
    'n1',
    { queued: 41, started: 40 },
    { worker: 'a2', workerTenant: 't-acme', nodes: 3 },
  ),
  {
    ...{ type: 'job.aborted', tenant: 't-acme', subject: 'job/nightly/n1@1', time: ago(30), dataversion: 2 },
    data: { estimated: true, worker: 'a2', workerTenant: 't-acme' },
  },
];
