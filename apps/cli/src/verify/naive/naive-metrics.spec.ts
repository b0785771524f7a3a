import type { CurrentEvent, EventType } from '@quipu/contracts';
import { foldOf, kindOf, Root } from './folds.js';
import { JOB_BOUNDS } from './job-metrics.js';

type Told = readonly [subject: string, time: number, type: EventType, data?: object];

/** `family label=value ... = value` of every sum of what the events come to, without those of `others`. */
function samples(told: readonly Told[], only: RegExp, tenant = 'acme'): string[] {
  const folds = new Map<string, ReturnType<typeof foldOf>>();
  told.forEach(([subject, time, type, data = {}], index) => {
    const envelope = { tenant, subject, source: 's', id: `${index}`, dataversion: 1 };
    const event = { ...envelope, type, time, data } as CurrentEvent;
    if (!folds.has(subject)) folds.set(subject, foldOf(kindOf(type), tenant, subject, JOB_BOUNDS));
    folds.get(subject)?.add(event);
  });
  const folded = [...folds.values()].map((fold) => fold?.close());
  const roots = new Map<string, Root>();
  for (const part of folded.flatMap((each) => each?.parts ?? [])) {
    const root = roots.get(part.id) ?? new Root(part.root, part.tenant, part.id);
    root.add(part);
    roots.set(part.id, root);
  }
  const sums = new Map<string, bigint>();
  const all = [
    ...folded.map((each) => each?.contributions),
    ...[...roots.values()].map((r) => r.contributions()),
  ];
  const words = (labels: object): string =>
    Object.entries(labels)
      .map(([name, value]) => ` ${name}=${String(value)}`)
      .sort()
      .join('');
  for (const { family, labels, value } of all.flatMap((each) => each?.amounts ?? [])) {
    const series = `${family}${words(labels)}`;
    sums.set(series, (sums.get(series) ?? 0n) + BigInt(value));
  }
  const members = all
    .flatMap((each) => each?.members ?? [])
    .map(({ family, labels, member, score }) => `${family}${words(labels)} ${member} @ ${score}`);
  return [...sums]
    .map(([series, sum]) => `${series} = ${sum}`)
    .concat(members)
    .filter((row) => only.test(row))
    .sort();
}

const S = 1_000;

describe('jobs', () => {
  it('are a work request with the fields and the status of the top attempt', () => {
    const fields = { taskType: 'Worker', taskName: 'sbuild', labels: { hostArchitecture: 'amd64' } };
    expect(
      samples(
        [
          ['job/1', 0, 'job.queued', fields],
          ['job/1', 1, 'job.failed', { final: false }],
          ['job/1', 2, 'job.assigned', { attempt: 2, labels: { backend: 'unshare' } }],
        ],
        /^work_requests/,
      ),
    ).toEqual([
      'work_requests backend=unshare host_architecture=amd64 status=pending task_name=sbuild task_type=Worker = 1',
    ]);
  });

  it('are observed once per attempt, by what was told of it or by its run', () => {
    const rows = samples(
      [
        ['job/1', 0, 'job.queued', { queue: 'q', taskName: 't', taskType: 'W' }],
        ['job/1', 3 * S, 'job.started'],
        ['job/1', 9 * S, 'job.failed', { final: false, statistics: { duration: 1.0005 } }],
        ['job/1', 10 * S, 'job.started', { attempt: 2 }],
        ['job/1', 15 * S, 'job.completed', { attempt: 2, result: 'error' }],
      ],
      /^(task_|quipu_job_|rm_)/,
    );
    expect(rows).toEqual([
      'quipu_job_run_seconds le=10 queue=q result=failure task=t = 1',
      'quipu_job_run_seconds le=5 queue=q result=error task=t = 1',
      'quipu_job_run_seconds:sum queue=q result=error task=t = 5000',
      'quipu_job_run_seconds:sum queue=q result=failure task=t = 6000',
      'quipu_job_wait_seconds le=1 queue=q result=started task=t = 1',
      'quipu_job_wait_seconds le=5 queue=q result=started task=t = 1',
      'quipu_job_wait_seconds:sum queue=q result=started task=t = 4000',
      'rm_job_duration_seconds kind=t le=30 status=failed = 1',
      'rm_job_duration_seconds kind=t le=5 status=failed = 1',
      'rm_job_duration_seconds:sum kind=t status=failed = 11000',
      'task_execution_times le=5 task_name=t task_type=W = 2',
      'task_execution_times:sum task_name=t task_type=W = 6001',
    ]);
  });

  it('do not count deliberate delay and blocked time as waiting, nor what follows the first run', () => {
    const rows = samples(
      [
        ['job/1', 0, 'job.queued', { delayUntil: new Date(10 * S).toISOString() }],
        ['job/1', 12 * S, 'job.blocked'],
        ['job/1', 20 * S, 'job.unblocked'],
        ['job/1', 21 * S, 'job.started'],
        ['job/1', 22 * S, 'job.aborted'],
      ],
      /wait|rm_/,
    );
    expect(rows).toEqual([
      'quipu_job_wait_seconds le=5 queue= result=started task= = 1',
      'quipu_job_wait_seconds:sum queue= result=started task= = 3000',
      'rm_job_duration_seconds kind= le=1 status=cancelled = 1',
      'rm_job_duration_seconds:sum kind= status=cancelled = 1000',
    ]);
  });

  it('that ended before they began ran for nothing, and stay observed when they are removed', () => {
    const rows = samples(
      [
        ['job/1', 5, 'job.completed'],
        ['job/1', 9, 'job.started'],
        ['job/1', 20, 'job.removed'],
      ],
      /^(rm_|work_)/,
    );
    expect(rows).toEqual(['rm_job_duration_seconds kind= le=1 status=succeeded = 1']);
  });
});

describe('nodes, instances and workers', () => {
  it('accrue node-seconds: lengths of what is closed, less the starts of what is open', () => {
    expect(
      samples(
        [
          ['node/k/1', 100, 'node.allocated'],
          ['node/k/1', 130, 'node.released'],
          ['job/1', 1_000, 'job.started', { nodes: 3 }],
        ],
        /node_seconds/,
      ),
    ).toEqual(['quipu_node_seconds = -2970', 'quipu_node_seconds:rate = 3']);
  });

  it('accrue the up-time of a pool', () => {
    expect(
      samples(
        [
          ['instance/1', 0, 'instance.launched', { pool: 'p' }],
          ['instance/1', 10, 'instance.terminated'],
          ['instance/2', 4, 'instance.launched', { pool: 'p' }],
          ['instance/3', 7, 'instance.launched'],
          ['worker_pool/p', 0, 'worker_pool.set'],
        ],
        /pool/,
      ),
    ).toEqual([
      'quipu_instances pool= = 1',
      'quipu_instances pool=p = 1',
      'worker_pool_runtime worker_pool=p = 6',
      'worker_pool_runtime:n worker_pool=p = 1',
      'worker_pool_runtime:rate worker_pool=p = 1',
    ]);
  });

  it('show workers with every architecture as a label, busy when a job of any tenant names them', () => {
    const rows = samples(
      [
        ['worker/w', 0, 'worker.registered', { pool: 'p', type: 't', architectures: ['a-b', '\u{1F9F6}'] }],
        ['worker/w', 10, 'worker.connected'],
        ['job/1', 20, 'job.started', { worker: 'w' }],
      ],
      /^worker/,
      'superadmin',
    );
    const labels = 'busy=1 connected=1 host_architecture= worker_pool=p worker_type=t';
    expect(rows).toEqual([
      'worker_seconds pool=p state=busy = -20',
      'worker_seconds pool=p state=connected = -10',
      'worker_seconds:rate pool=p state=busy = 1',
      'worker_seconds:rate pool=p state=connected = 1',
      'worker_seconds:rate pool=p state=registered = 1',
      `workers architecture__=1 architecture_a_b=1 ${labels} = 1`,
      `workers_enabled architecture_a-b=1 architecture_\u{1F9F6}=1 ${labels} = 1`,
    ]);
  });

  it('keep the seconds of a retired worker, and no others', () => {
    const rows = samples(
      [
        ['worker/w', 0, 'worker.connected', { enabled: false }],
        ['worker/w', 10, 'worker.registered'],
        ['worker/w', 30, 'worker.lost'],
        ['worker/w', 31, 'worker.heartbeat'],
        ['worker/w', 40, 'worker.connected'],
        ['worker/w', 50, 'worker.retired'],
        ['worker/w', 60, 'worker.disconnected'],
      ],
      /^(worker|quipu_worker)/,
    );
    expect(rows).toEqual([
      'worker_seconds pool= state=connected = 30',
      'worker_seconds pool= state=registered = 40',
    ]);
  });
});

describe('users', () => {
  const identity = { issuer: 'salsa', user: 'ann' };

  it('count with their identities, once there is a record of them', () => {
    const identities: Told[] = [
      ['identity/1', 0, 'identity.set', identity],
      ['identity/2', 0, 'identity.set', identity],
      ['identity/3', 0, 'identity.set', { issuer: 'salsa' }],
    ];
    expect(samples(identities, /user/)).toEqual([]);
    expect(samples([...identities, ['user/ann', 1, 'user.set', { active: false }]], /user/)).toEqual([
      'user_identities active=0 issuer=salsa = 2',
      'users active=0 = 1',
    ]);
    expect(samples([...identities, ['user/ann', 1, 'user.set', { system: true }]], /user/)).toEqual([
      'user_identities active=1 issuer=salsa = 2',
    ]);
  });

  it('are active by the root workflows that they began, per scope and issuer, until they are removed', () => {
    const told: Told[] = [
      ['workflow/1', 5, 'workflow.created', { user: 'ann' }],
      ['workflow/1', 9, 'workflow.created', { user: 'ann', scope: 'acme' }],
      ['workflow/2', 7, 'workflow.created', { user: 'ann', scope: '' }],
      ['workflow/3', 99, 'workflow.created', { user: 'ann', parent: '1' }],
      ['workflow/4', 99, 'workflow.created'],
    ];
    expect(samples(told, /activity/)).toEqual([
      'user_activity scope= user/ann @ 7',
      'user_activity user/ann @ 9',
    ]);
    expect(samples([...told, ['identity/1', 0, 'identity.set', identity]], /identities_activity/)).toEqual([
      'user_identities_activity issuer=salsa scope= user/ann @ 7',
      'user_identities_activity issuer=salsa user/ann @ 9',
    ]);
    expect(samples([...told, ['user/ann', 0, 'user.removed']], /activity/)).toEqual([]);
  });
});

describe('records', () => {
  it('have the defaults of what their last state does not say, and none after a tombstone', () => {
    const rows = samples(
      [
        ['workspace/1', 0, 'workspace.set', { private: false, expires: true, scope: 'x' }],
        ['workspace/1', 1, 'workspace.set'],
        ['group/1', 5, 'group.set', { ephemeral: true, scope: '' }],
        ['group/2', 5, 'group.set'],
        ['group/2', 1, 'group.removed'],
        ['tenant/1', 0, 'tenant.set'],
        ['asset/1', 0, 'asset.set', { category: 'c' }],
        ['workflow_template/1', 0, 'workflow_template.set', { taskName: 't' }],
        ['collection/1', 0, 'collection.set', { category: 'c', items: 11 }],
        ['collection/2', 0, 'collection.set', { category: 'c' }],
        ['file_store/s', 0, 'file_store.set', { backend: 'S3', maxSize: 8 }],
      ],
      /./,
    );
    expect(rows).toEqual([
      'assets category=c = 1',
      'collection_sizes category=c le=100 = 1',
      'collection_sizes:sum category=c = 11',
      'collections category=c = 2',
      'file_store_max_size backend=S3 name=s = 8',
      'file_store_size:n backend=S3 name=s = 1',
      'groups ephemeral=1 scope= = 1',
      'quipu_tenants enabled=1 = 1',
      'workflow_templates task_name=t = 1',
      'workspaces expires=0 private=1 = 1',
    ]);
  });

  it('know of a token when it was last seen, while it is enabled', () => {
    const seen: Told[] = [
      ['token/1', 9, 'token.seen'],
      ['token/1', 7, 'token.seen'],
    ];
    expect(samples(seen, /./)).toEqual([]);
    expect(samples([...seen, ['token/1', 8, 'token.set', { user: 'ann' }]], /./)).toEqual([
      'tokens enabled=1 user=1 worker=0 = 1',
      'tokens_last_seen user=1 worker=0 token/1 @ 9',
      'tokens_last_seen:rate user=1 worker=0 = 1',
      'tokens_last_seen:sum user=1 worker=0 = -9',
    ]);
    expect(samples([...seen, ['token/1', 8, 'token.set', { enabled: false }]], /./)).toEqual([
      'tokens enabled=0 user=0 worker=0 = 1',
    ]);
  });
});

describe('artifacts and hosts', () => {
  it('count the files of an artifact, and their sizes', () => {
    const files = [{ size: 1024 }, { size: 1025 }, { size: 0 }];
    const created: Told = ['artifact/1', 0, 'artifact.created', { category: 'c', scope: 'x', files }];
    expect(samples([created], /./)).toEqual([
      'artifact_file_counts category=c le=5 scope=x = 1',
      'artifact_file_counts:sum category=c scope=x = 3',
      'artifact_file_size category=c scope=x = 2049',
      'artifact_file_sizes category=c le=1024 scope=x = 2',
      'artifact_file_sizes category=c le=4096 scope=x = 1',
      'artifact_file_sizes:sum category=c scope=x = 2049',
      'artifacts category=c scope=x = 1',
      'quipu_artifact_bytes = 2049',
    ]);
    expect(samples([created, ['artifact/1', 0, 'artifact.deleted']], /./)).toEqual([]);
  });

  it('show of a host what its reports tell, and how many open alerts name it', () => {
    const at = new Date(-1).toISOString();
    const rows = samples(
      [
        ['host/h', 0, 'host.reported', { name: 'Anna', lastRunAt: at }],
        ['host/h', 1, 'host.reported', { online: true, lastRunOutcome: 'skipped', snapshots: 4 }],
        ['alert/1', 0, 'alert.opened', { severity: 'bad', host: 'h' }],
        ['alert/2', 0, 'alert.opened', { severity: 'bad', host: 'h' }],
        ['alert/2', 0, 'alert.closed'],
        ['alert/3', 0, 'alert.opened', { severity: 'bad', host: 'elsewhere' }],
      ],
      /./,
    );
    const h = 'host=Anna host_id=h';
    expect(rows).toEqual([
      'rm_active_alerts severity=bad = 2',
      `rm_host_agent_online ${h} = 1`,
      `rm_host_agent_online:n ${h} = 1`,
      `rm_host_last_backup_success:n ${h} = 1`,
      `rm_host_last_backup_timestamp_seconds ${h} = -1`,
      `rm_host_last_backup_timestamp_seconds:n ${h} = 1`,
      `rm_host_open_alerts ${h} = 1`,
      `rm_host_open_alerts:n ${h} = 1`,
      `rm_host_repo_status ${h} status=unknown = 1`,
      `rm_host_snapshot_count ${h} = 4`,
      `rm_host_snapshot_count:n ${h} = 1`,
      'rm_hosts_online = 1',
      'rm_hosts_total = 1',
    ]);
  });
});
