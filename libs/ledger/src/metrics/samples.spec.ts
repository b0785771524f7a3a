import { event, of } from '../fixtures/fold-events.js';
import { metricFamilies } from './catalogue.js';
import { shownSlots } from './families/slots.js';

describe('samples by example', () => {
  it('of durations: inclusive bounds, a sum in ms, an end before its start as 0', () => {
    const jobs = [
      ...[event('job.started', 'job/1', 0, { taskName: 'backup' }), event('job.completed', 'job/1', 1_000)],
      ...[event('job.started', 'job/2', 0, { taskName: 'backup' }), event('job.completed', 'job/2', 1_001)],
      ...[event('job.started', 'job/3', 9_000, { taskName: 'backup' }), event('job.failed', 'job/3', 6_000)],
    ];
    expect(of(jobs, 'rm_job_duration_seconds', 'rm_job_duration_seconds:sum')).toEqual({
      'rm_job_duration_seconds|acme|{"kind":"backup","le":"1","status":"failed"}': '1',
      'rm_job_duration_seconds|acme|{"kind":"backup","le":"1","status":"succeeded"}': '1',
      'rm_job_duration_seconds|acme|{"kind":"backup","le":"5","status":"succeeded"}': '1',
      'rm_job_duration_seconds:sum|acme|{"kind":"backup","status":"succeeded"}': '2001',
    });
  });

  it('of waits leave deliberate delay out, and survive the job', () => {
    const delayUntil = new Date(60_000).toISOString();
    const job = [
      event('job.queued', 'job/1', 0, { queue: 'q', delayUntil }),
      event('job.started', 'job/1', 60_040, { taskName: 't' }),
      event('job.removed', 'job/1', 70_000),
    ];
    expect(of(job, 'quipu_job_wait_seconds', 'quipu_job_wait_seconds:sum', 'work_requests')).toEqual({
      'quipu_job_wait_seconds|acme|{"le":"0.05","queue":"q","result":"started","task":"t"}': '1',
      'quipu_job_wait_seconds:sum|acme|{"queue":"q","result":"started","task":"t"}': '40',
    });
  });

  it('of failures count as completed in Debusine once they are final', () => {
    const statuses = (data: object): string[] =>
      Object.keys(
        of([event('job.started', 'job/1', 0), event('job.failed', 'job/1', 1, data)], 'work_requests'),
      );
    expect(statuses({})).toEqual([expect.stringContaining('"status":"completed"')]);
    expect(statuses({ final: false })).toEqual([expect.stringContaining('"status":"pending"')]);
  });

  it('of workers tell what Debusine tells, and the time in each state', () => {
    const worker = [
      event('worker.registered', 'worker/w', 1_000, { pool: 'p', type: 'external', architectures: ['x-32'] }),
      event('worker.connected', 'worker/w', 2_000),
      event('job.started', 'job/1', 3_000, { worker: 'w', workerTenant: 'acme' }),
      event('worker.disconnected', 'worker/w', 5_000),
    ];
    expect(of(worker, 'workers', 'workers_enabled', 'worker_seconds', 'worker_seconds:rate')).toEqual({
      'workers|acme|{"architecture_x_32":"1","busy":"1","connected":"0","host_architecture":"","worker_pool":"p","worker_type":"external"}':
        '1',
      'workers_enabled|acme|{"architecture_x-32":"1","busy":"1","connected":"0","host_architecture":"","worker_pool":"p","worker_type":"external"}':
        '1',
      'worker_seconds|acme|{"pool":"p","state":"registered"}': '-1000',
      'worker_seconds|acme|{"pool":"p","state":"connected"}': '3000',
      'worker_seconds|acme|{"pool":"p","state":"busy"}': '-3000',
      'worker_seconds:rate|acme|{"pool":"p","state":"registered"}': '1',
      'worker_seconds:rate|acme|{"pool":"p","state":"busy"}': '1',
    });
    const shown = metricFamilies.find(({ name }) => name === 'quipu_worker_state_seconds');
    const sample = (state: string, value: bigint) => ({ tenant: 'a', labels: { pool: 'p', state }, value });
    const samples = [sample('registered', 100n), sample('connected', 60n), sample('busy', 20n)];
    expect(shown?.source === 'totals' && shown.shown?.(samples)).toEqual([
      sample('busy', 20n),
      sample('idle', 40n),
      sample('offline', 40n),
    ]);
  });

  it('of slots: what jobs took without a known connection is taken from offline, then from busy', () => {
    const shown = (busy: bigint, idle: bigint, offline: bigint) =>
      Object.values(shownSlots({ busy, idle, offline }));
    expect(shown(3n, 5n, 2n)).toEqual([3n, 5n, 2n]);
    expect(shown(7n, -2n, 5n)).toEqual([7n, 0n, 3n]);
    expect(shown(7n, -4n, 1n)).toEqual([4n, 0n, 0n]);
    expect(shown(1n, -1n, 0n)).toEqual([0n, 0n, 0n]);
  });

  it('of slots in a pool: the busy part of those in touch, whoever owns the workers', () => {
    const ratio = metricFamilies.find(({ name }) => name === 'quipu_pool_busy_ratio');
    const sample = (tenant: string, pool: string, state: string, value: bigint) => ({
      ...{ tenant, value },
      labels: { pool, state },
    });
    const samples = [
      ...[sample('a', 'p', 'registered', 8n), sample('a', 'p', 'connected', 4n)],
      ...[sample('b', 'p', 'registered', 4n), sample('b', 'p', 'connected', 4n)],
      ...[sample('a', 'p', 'busy', 2n), sample('a', 'idle', 'registered', 1n)],
    ];
    expect(ratio?.source === 'totals' && ratio.shown?.(samples)).toMatchObject([
      { labels: { pool: 'p' }, value: 250_000n },
      { labels: { pool: 'idle' }, value: 0n },
    ]);
  });

  it('of users wait for nobody: identities and workflows may come first', () => {
    const user = [
      event('identity.set', 'identity/1', 0, { issuer: 'salsa', user: 'ann' }),
      event('identity.set', 'identity/2', 0, { issuer: 'salsa' }),
      event('workflow.created', 'workflow/1', 7_000, { user: 'ann' }),
      event('workflow.created', 'workflow/2', 5_000, { user: 'ann', scope: 'other' }),
      event('workflow.created', 'workflow/3', 9_000, { user: 'ann', parent: '1' }),
      event('workflow.created', 'workflow/4', 9_000, { user: 'bob' }),
      event('user.set', 'user/ann', 0),
    ];
    expect(of(user, 'users', 'user_identities', 'user_activity', 'user_identities_activity')).toEqual({
      'users|acme|{"active":"1"}': '1',
      'user_identities|acme|{"active":"1","issuer":"salsa"}': '1',
      'user_activity|acme|{}|user/ann': 7_000,
      'user_activity|acme|{"scope":"other"}|user/ann': 5_000,
      'user_activity|acme|{}|user/bob': 9_000,
      'user_identities_activity|acme|{"issuer":"salsa"}|user/ann': 7_000,
      'user_identities_activity|acme|{"issuer":"salsa","scope":"other"}|user/ann': 5_000,
    });
  });

  it('of things that exist are there even at 0', () => {
    const things = [
      event('file_store.set', 'file_store/f', 0, { backend: 'Local' }),
      event('host.reported', 'host/h', 0),
      event('worker_pool.set', 'worker_pool/p', 0),
    ];
    expect(
      of(things, 'file_store_size:n', 'file_store_size', 'rm_host_snapshot_count:n', 'worker_pool_runtime:n'),
    ).toEqual({
      'file_store_size:n|acme|{"backend":"Local","name":"f"}': '1',
      'rm_host_snapshot_count:n|acme|{"host":"h","host_id":"h"}': '1',
      'worker_pool_runtime:n|acme|{"worker_pool":"p"}': '1',
    });
  });
});
