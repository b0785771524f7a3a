import { DAY } from '../small-events.js';
import { buckets, CONNECTED, type Sentence, TASK, told, type Told, worker } from './told.js';

const SBUILD = { task_name: 'sbuild', task_type: 'Worker' };
const STATUSES = ['pending', 'running', 'completed', 'aborted', 'blocked'];

/** Facts of one job, a second apart; the last of them a minute ago. */
function job(...facts: [type: string, data?: object][]): Told[] {
  return facts.map(([type, data = {}], i) =>
    told(`job.${type}`, 'job/q/1', i === 0 ? { ...TASK, ...data } : data, 60_000 + (facts.length - i) * 1000),
  );
}

/** A job of such facts has this status and no other. */
function hasStatus(what: string, status: string | null, events: readonly Told[]): Sentence {
  const line = (name: string): string => requests({ status: name, ...SBUILD });
  return {
    ...{ what: `a work request that is ${what} is ${status ?? 'none'}`, events },
    has: STATUSES.map((name) => `${line(name)} ${name === status ? 1 : 0}`),
  };
}

/** The beginning of a line, with labels that are empty where nothing is said. */
function line(
  family: string,
  empty: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
) {
  const pairs = Object.entries({ ...empty, ...labels }).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${family}{${pairs.map(([name, value]) => `${name}="${value}"`).join(',')}}`;
}

const requests = (labels: Readonly<Record<string, string>>): string =>
  line(
    'work_requests',
    { backend: '', host_architecture: '', scope: '$T', task_name: '', task_type: '' },
    labels,
  );
const workers = (labels: Readonly<Record<string, string>>): string => {
  const nothing = {
    busy: '0',
    connected: '0',
    host_architecture: '',
    worker_pool: '',
    worker_type: 'external',
  };
  return line('workers', nothing, labels);
};

/** Of Debusine’s contract: work requests, workers and pools. */
export const WORK_SENTENCES: readonly Sentence[] = [
  hasStatus('queued', 'pending', job(['queued'])),
  hasStatus('queued for later', 'pending', job(['queued', { delayUntil: '2027-01-01T00:00:00Z' }])),
  hasStatus('blocked', 'blocked', job(['blocked'])),
  hasStatus('queued and blocked', 'blocked', job(['queued'], ['blocked'])),
  hasStatus('unblocked', 'pending', job(['queued'], ['blocked'], ['unblocked'])),
  hasStatus('assigned', 'pending', job(['queued'], ['assigned', { worker: 'w' }])),
  hasStatus('given back', 'pending', job(['queued'], ['assigned', { worker: 'w' }], ['requeued'])),
  hasStatus('started', 'running', job(['queued'], ['assigned'], ['started'])),
  hasStatus('completed', 'completed', job(['queued'], ['started'], ['completed'])),
  hasStatus('completed without a start', 'completed', job(['queued'], ['completed', { result: 'skipped' }])),
  hasStatus('completed with a failure', 'completed', job(['started'], ['completed', { result: 'failure' }])),
  hasStatus('failed', 'completed', job(['started'], ['failed'])),
  hasStatus('failed, to be tried again', 'pending', job(['started'], ['failed', { final: false }])),
  hasStatus(
    'tried again',
    'running',
    job(['started'], ['failed', { final: false }], ['started', { attempt: 2 }]),
  ),
  hasStatus('aborted', 'aborted', job(['queued'], ['started'], ['aborted'])),
  hasStatus('aborted while it is blocked', 'aborted', job(['blocked'], ['aborted'])),
  hasStatus('removed', null, job(['queued'], ['started'], ['completed'], ['removed'])),
  {
    what: 'work requests tell the host architecture and the backend that their task data name, and old ones stay',
    events: [
      told(
        'job.queued',
        'job/q/1',
        { ...TASK, labels: { hostArchitecture: 'amd64', backend: 'unshare' } },
        300 * DAY,
      ),
      told('job.queued', 'job/q/2', { ...TASK, taskType: 'Internal', taskName: 'workflow' }),
      told('job.queued', 'job/q/3', {}),
    ],
    has: [
      `${requests({ backend: 'unshare', host_architecture: 'amd64', status: 'pending', ...SBUILD })} 1`,
      `${requests({ status: 'pending', task_name: 'workflow', task_type: 'Internal' })} 1`,
      `${requests({ status: 'pending' })} 1`,
      ...Object.entries({ Server: 'aptmirror', Signing: 'debsign', Wait: 'delay', Workflow: 'qa' }).map(
        ([task_type, task_name]) => `${requests({ status: 'aborted', task_name, task_type })} 0`,
      ),
    ],
    lacks: [requests({ status: 'running', task_name: 'workflow', task_type: 'Internal' })],
  },
  {
    what: 'names may hold what must be escaped',
    events: [told('job.queued', 'job/q/1', { ...TASK, taskName: 'a"b\\c\nd\te☃\u2028' })],
    has: [`${requests({ status: 'pending', task_name: 'a\\"b\\\\c\\nd\te☃\u2028', task_type: 'Worker' })} 1`],
  },
  {
    what: 'execution times are those told, else those seen, of attempts that completed or failed',
    events: [
      ...[1, 1.001, 86_400, 86_400.001].map((duration, i) =>
        told('job.completed', `job/q/${i}`, { ...TASK, statistics: { duration } }),
      ),
      told('job.started', 'job/q/a', TASK, 90_000),
      told('job.failed', 'job/q/a', {}, 60_000),
      told('job.started', 'job/q/b', TASK, 90_000),
      told('job.aborted', 'job/q/b', {}, 60_000),
      told('job.completed', 'job/q/c', TASK),
    ],
    has: [
      ...buckets(
        'task_execution_times',
        '',
        'scope="$T",task_name="sbuild",task_type="Worker"',
        '1:1 5:2 30:3 86400:4 +Inf:5',
      ),
      'task_execution_times_sum{scope="$T",task_name="sbuild",task_type="Worker"} 172832.002',
    ],
  },
  {
    what: 'workers have rows of zeros for types, and for pools where they are external',
    events: [told('worker_pool.set', 'worker_pool/p')],
    has: [
      ...['external', 'celery', 'signing'].map((type) => `${workers({ worker_type: type, busy: '1' })} 0`),
      `${workers({ worker_pool: 'p', connected: '1' })} 0`,
      'worker_pool_runtime{worker_pool="p"} 0',
    ],
    lacks: [workers({ worker_pool: 'p', worker_type: 'celery' })],
  },
  {
    what: 'every worker counts, disabled ones too, until it is retired',
    events: [
      ...worker({ enabled: false, pool: 'p', hostArchitecture: 'amd64' }),
      told('worker.registered', 'worker/v', { type: 'signing' }),
      told('worker.retired', 'worker/v', {}, 1_000),
    ],
    has: [
      `${workers({ worker_pool: 'p', host_architecture: 'amd64' })} 1`,
      `${workers({ worker_type: 'signing' })} 0`,
    ],
  },
  {
    what: 'architectures become legal label names, and those that become one are one',
    events: [
      ...worker({ architectures: ['kfreebsd-i386', 'kfreebsd_i386', 'x32', 'ämd64'] }, CONNECTED),
      told('worker.registered', 'worker/v', { type: 'celery' }),
    ],
    has: [
      `${workers({ connected: '1', architecture_kfreebsd_i386: '1', architecture_x32: '1', architecture__md64: '1' })} 1`,
      `${workers({ worker_type: 'celery', architecture_kfreebsd_i386: '0', architecture_x32: '0', architecture__md64: '0' })} 1`,
    ],
  },
  {
    what: 'a worker is busy while it holds a work request, assigned or running, connected or not',
    events: [
      ...worker({}),
      ...['v', 'u'].map((id) => told('worker.registered', `worker/${id}`, { type: 'external' }, 90_000)),
      told('job.assigned', 'job/q/1', { ...TASK, worker: 'w', workerTenant: '$T' }),
      told('job.started', 'job/q/2', { ...TASK, worker: 'v', workerTenant: '$T' }),
      told('job.started', 'job/q/3', { ...TASK, worker: 'u', workerTenant: '$T' }),
      told('job.completed', 'job/q/3', {}, 1_000),
    ],
    has: [`${workers({ busy: '1' })} 2`, `${workers({ busy: '0' })} 1`],
  },
  {
    what: 'run time of a pool is that of its instances, past and live, idle or not',
    events: [
      told('instance.launched', 'instance/1', { pool: 'p' }, 120_000),
      told('instance.launched', 'instance/2', { pool: 'p' }, 60_500),
      told('instance.terminated', 'instance/2', {}, 30_250),
      told('instance.launched', 'instance/2', { pool: 'p' }, 10_000),
      told('instance.launched', 'instance/3', {}, 90_000),
      told('instance.terminated', 'instance/4', { pool: 'never' }),
    ],
    has: ['worker_pool_runtime{worker_pool="p"} 160.25'],
    lacks: ['worker_pool_runtime{worker_pool=""}', 'worker_pool_runtime{worker_pool="never"}'],
  },
];
