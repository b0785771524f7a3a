import { type SentEvent } from '../e2e/support/test-system.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const PLATFORM = 'superadmin';

/** A fleet, tenants, artifacts, users, hosts, a run whose end is an estimate: at least one series of every family, at `now`. */
export function fleetEvents(now: number): SentEvent[] {
  const event = (type: string, tenant: string, subject: string, data: object, ago = HOUR): SentEvent => ({
    ...{ type, tenant, subject, time: now - ago },
    data: data as Record<string, unknown>,
  });
  const platform = (type: string, subject: string, data: object, ago = HOUR): SentEvent =>
    event(type, PLATFORM, subject, data, ago);
  return [
    ...['acme', 'globex'].flatMap((tenant) => [
      event('tenant.set', tenant, `tenant/${tenant}`, {}),
      event('user.set', tenant, `user/${tenant}-ann`, { active: true }),
      event('identity.set', tenant, `identity/${tenant}-ann`, { issuer: 'salsa', user: `${tenant}-ann` }),
      event('workflow.created', tenant, `workflow/${tenant}-1`, { user: `${tenant}-ann` }, 2 * DAY),
      event('group.set', tenant, `group/${tenant}`, { ephemeral: false }),
      event('workspace.set', tenant, `workspace/${tenant}`, { private: true }),
      event('collection.set', tenant, `collection/${tenant}`, { category: 'debian:suite', items: 12 }),
      event('asset.set', tenant, `asset/${tenant}`, { category: 'debusine:signing-key' }),
      event('workflow_template.set', tenant, `workflow_template/${tenant}`, { taskName: 'sbuild' }),
      event('token.set', tenant, `token/${tenant}`, { user: `${tenant}-ann` }),
      event('token.seen', tenant, `token/${tenant}`, {}, 5 * DAY),
      event('artifact.created', tenant, `artifact/${tenant}-1`, {
        category: 'debian:upload',
        files: [{ size: 9_007_199_254_740_991 }, { size: 2_000 }],
      }),
      event('node.allocated', tenant, `node/c/${tenant}-1`, { user: `${tenant}-ann` }),
      event('job.queued', tenant, `job/slow/${tenant}-waits`, {
        queue: 'slow',
        taskType: 'Worker',
        taskName: 'sbuild',
      }),
      event('job.queued', tenant, `job/slow/${tenant}-runs`, {
        queue: 'slow',
        taskType: 'Worker',
        taskName: 'sbuild',
      }),
      event('job.started', tenant, `job/slow/${tenant}-runs`, { worker: 'w-1', nodes: 2 }, 60_000),
      event('job.started', tenant, `job/slow/${tenant}-unheard`, { worker: 'w-3', attempt: 1 }, 60_000),
      {
        ...event(
          'job.aborted',
          tenant,
          `job/slow/${tenant}-unheard`,
          { attempt: 1, estimated: true },
          30_000,
        ),
        dataversion: 2,
      },
    ]),
    platform('worker_pool.set', 'worker_pool/cloud', { provider: 'somebody' }),
    platform('instance.launched', 'instance/i-1', { pool: 'cloud' }),
    ...['w-1', 'w-2', 'w-3'].flatMap((worker, i) => [
      platform('worker.registered', `worker/${worker}`, {
        ...{
          type: 'external',
          pool: 'cloud',
          hostArchitecture: 'amd64',
          architectures: ['amd64', 'kfreebsd-i386'],
        },
      }),
      ...(i < 2 ? [platform('worker.connected', `worker/${worker}`, {}, HOUR - 1_000)] : []),
    ]),
    platform('file_store.set', 'file_store/Default', { backend: 'Local', totalSize: 90, maxSize: 100 }),
    ...['h1', 'h2'].flatMap((host, i) => [
      platform('host.reported', `host/${host}`, {
        ...{ name: `host-${host}`, online: i === 0, repositoryBytes: 123_456_789_012, snapshots: 7 },
        ...{ lastRunAt: new Date(now - DAY).toISOString(), lastRunOutcome: i === 0 ? 'success' : 'failure' },
        repositoryStatus: i === 0 ? 'ready' : 'init_failed',
      }),
    ]),
    platform('alert.opened', 'alert/1', { host: 'h2', severity: 'critical' }),
  ];
}

/** What happens in a moment of a busy system: jobs that ran and ended, well and badly. */
export function busyMoment(now: number, serial: number): SentEvent[] {
  return ['acme', 'globex'].flatMap((tenant) =>
    (['completed', 'failed'] as const).flatMap((end) => {
      const subject = `job/fast/${tenant}-${end}-${serial}`;
      const data = { queue: 'fast', taskType: 'Worker', taskName: 'lintian' };
      const worker = { worker: 'w-2' };
      return [
        { type: 'job.queued', tenant, subject, time: now - 900, data },
        { type: 'job.started', tenant, subject, time: now - 500, data: worker },
        {
          type: `job.${end}`,
          tenant,
          subject,
          time: now,
          data: end === 'completed' ? { result: 'success' } : {},
        },
      ];
    }),
  );
}
