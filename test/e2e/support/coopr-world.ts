import type { Holding } from './coopr-oracle.js';
import type { SentEvent } from './test-system.js';

const at = (iso: string): number => Date.parse(iso);
/** The instant at which the world is asked: within a second, so that it shows what is cut to whole ones. */
export const COOPR_NOW = at('2026-03-02T12:00:00.250Z');
/** Its tenants besides the platform's. */
export const TENANTS = [
  { id: 't-acme', name: 'acme' },
  { id: 't-beta', name: 'beta' },
  { id: 't-gamma', name: 'gamma' },
  { id: 't-empty', name: 'Zürich & Söhne' },
] as const;

const WEB = {
  cluster: 'c1',
  clustertemplate: 'web',
  provider: 'aws',
  hardwaretype: 'small',
  imagetype: 'deb',
};
const HADOOP = { cluster: 'c2', clustertemplate: 'hadoop', provider: 'gce', hardwaretype: 'big' };

function held(
  tenant: string,
  from: string,
  to: string | null,
  facts: object,
  services: string[] = [],
): Holding {
  const end = to === null ? null : at(to);
  return { tenant, nodes: 1, from: at(from), to: end, facts: facts as Holding['facts'], services };
}

/** Nodes, in the order in which their lives go by; lives of one node under one name. */
const NODES: readonly (Holding & { readonly node: string })[] = [
  {
    node: 'a',
    ...held('t-acme', '2025-12-29T23:30:00.400Z', '2026-02-28T23:59:59.900Z', { user: 'ann', ...WEB }, [
      'ssh',
      'web',
    ]),
  },
  { node: 'a', ...held('t-acme', '2026-03-01T00:00:00Z', null, { user: 'ann', ...WEB }, ['ssh', 'web']) },
  {
    node: 'a',
    ...held('t-acme', '2026-03-02T11:59:59.999Z', '2026-03-02T12:00:00.001Z', { user: 'bob', ...HADOOP }),
  },
  {
    node: 'b',
    ...held('t-acme', '2026-01-31T12:00:00Z', '2026-02-01T12:00:00Z', { user: 'bob', ...HADOOP }, ['ssh']),
  },
  { node: 'a', ...held('t-beta', '2026-02-08T23:59:00Z', null, { user: 'ann', ...WEB }, ['ssh']) },
  {
    node: 'b',
    ...held('t-beta', '2026-03-02T00:00:00Z', '2026-03-02T06:00:00Z', {
      user: 'ann',
      ...HADOOP,
      clustertemplate: 'web',
    }),
  },
  { node: 'a', ...held('t-gamma', '1969-12-31T23:00:00Z', '1970-01-01T01:00:00Z', { user: 'old' }) },
];

/** Jobs that hold nodes while they run. */
const JOBS: readonly Holding[] = [
  {
    ...held('t-acme', '2026-03-02T09:59:30Z', '2026-03-02T11:00:30Z', {
      user: 'ann',
      queue: 'q1',
      cluster: 'c1',
    }),
    nodes: 3,
  },
  { ...held('t-acme', '2026-03-02T11:59:00Z', null, { user: 'bob', queue: 'q2' }), nodes: 2 },
];
/** Everything that was ever held in it. */
export const HOLDINGS: readonly Holding[] = [...NODES, ...JOBS];

/** What was reported of it. */
export function cooprEvents(): SentEvent[] {
  const nodes = NODES.flatMap(({ tenant, node, from, to, facts, services }): SentEvent[] => {
    const { user, cluster, clustertemplate: clusterTemplate, provider, hardwaretype, imagetype } = facts;
    const subject = `node/${cluster ?? 'none'}/${node}`;
    const data = {
      user,
      cluster,
      clusterTemplate,
      provider,
      hardwareType: hardwaretype,
      imageType: imagetype,
      services,
    };
    const allocated = { type: 'node.allocated', tenant, subject, time: from, data };
    // Created again while it lives: still one life.
    const again = to === null ? [{ ...allocated, time: from + 1000 }] : [];
    const released = to === null ? [] : [{ type: 'node.released', tenant, subject, time: to }];
    return [allocated, ...again, ...released];
  });
  const jobs = JOBS.flatMap(
    ({ tenant, nodes: count, from, to, facts: { user, queue, cluster } }): SentEvent[] => {
      const subject = `job/${queue}/1`;
      const step = (type: string, time: number, data = {}): SentEvent => ({
        type,
        tenant,
        subject,
        time,
        data,
      });
      return [
        step('job.queued', from - 60_000, { user, queue, cluster, nodes: count }),
        step('job.started', from),
        ...(to === null ? [] : [step('job.failed', to)]),
      ];
    },
  );
  const job = (tenant: string, id: string, steps: Record<string, object>): SentEvent[] =>
    Object.entries(steps).map(([type, data], i) => ({
      ...{ type: `job.${type}`, tenant, subject: `job/tasks/${id}`, time: COOPR_NOW - 60_000 + i },
      data: { queue: 'tasks', ...data },
    }));
  return [
    ...nodes,
    ...jobs,
    ...job('t-beta', 'waits', { queued: {} }),
    ...job('t-beta', 'delayed', { queued: { delayUntil: new Date(COOPR_NOW + 60_000).toISOString() } }),
    ...job('t-beta', 'due', { queued: { delayUntil: new Date(COOPR_NOW).toISOString() } }),
    ...job('t-beta', 'blocked', { queued: {}, blocked: {} }),
    ...job('t-beta', 'unblocked', { queued: {}, blocked: {}, unblocked: {} }),
    ...job('t-beta', 'assigned', { queued: {}, assigned: { worker: 'w' } }),
    ...job('t-beta', 'back', { queued: {}, assigned: { worker: 'w' }, requeued: {} }),
    ...job('t-beta', 'tries-again', { queued: {}, started: {}, failed: { final: false } }),
    ...job('t-beta', 'failed', { queued: {}, started: {}, failed: {} }),
    ...job('t-beta', 'removed', { queued: {}, removed: {} }),
    ...job('t-beta', 'aborted', { queued: {}, aborted: {} }),
  ];
}
