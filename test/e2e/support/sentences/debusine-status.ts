import { CONNECTED, TASK, told, type Told, worker } from './told.js';

const row = (registered: number, connected: number, idle: number, busy: number) => ({
  ...{ registered, connected, idle, busy },
});
const NO_TASKS = { pending: 0, running: 0 };

/** Of Debusine’s service status: what happened, and what stands at some paths of the answer. */
export const STATUS_SENTENCES: readonly [
  what: string,
  events: readonly Told[],
  at: Record<string, unknown>,
][] = [
  [
    'nothing happened: all enumerated rows are there',
    [],
    {
      ...Object.fromEntries(
        ['Internal', 'Server', 'Signing', 'Wait', 'Worker', 'Workflow'].map((type) => [
          `tasks.${type}`,
          NO_TASKS,
        ]),
      ),
      ...Object.fromEntries(
        ['celery', 'external', 'signing'].flatMap((type) => [
          [`workers.${type}`, row(0, 0, 0, 0)],
          [`worker_tasks.${type}`, NO_TASKS],
        ]),
      ),
      external_workers_arch: {},
      external_workers_host_arch: {},
      worker_tasks_arch: {},
    },
  ],
  [
    'every pending task counts, whatever its priority; blocked and ended ones do not',
    [
      ...[1, 2, 3].map((i) => told('job.queued', `job/q/${i}`, { ...TASK, priority: i })),
      told('job.blocked', 'job/q/4', TASK),
      told('job.completed', 'job/q/5', TASK),
      told('job.started', 'job/q/6', { ...TASK, taskType: 'Server' }),
      told('job.queued', 'job/q/7', { ...TASK, taskType: 'Internal' }),
      told('job.queued', 'job/q/8', { ...TASK, taskType: 'Workflow' }),
    ],
    {
      'tasks.Worker': { pending: 3, running: 0 },
      'tasks.Server': { pending: 0, running: 1 },
      'tasks.Internal': { pending: 1, running: 0 },
      worker_tasks: {
        celery: { pending: 0, running: 1 },
        external: { pending: 3, running: 0 },
        signing: NO_TASKS,
      },
      worker_tasks_arch: { null: { pending: 3, running: 0 } },
    },
  ],
  [
    'architectures that only tasks or only workers know have a row in both tables',
    [
      told('job.queued', 'job/q/1', { ...TASK, labels: { hostArchitecture: 'riscv64' } }),
      told('job.queued', 'job/q/2', { ...TASK, taskType: 'Server', labels: { hostArchitecture: 's390x' } }),
      ...worker({ hostArchitecture: 'amd64', architectures: ['amd64', 'kfreebsd-i386'] }, CONNECTED),
    ],
    {
      external_workers_arch: {
        amd64: row(1, 1, 1, 0),
        'kfreebsd-i386': row(1, 1, 1, 0),
        riscv64: row(0, 0, 0, 0),
      },
      external_workers_host_arch: { amd64: row(1, 1, 1, 0) },
      worker_tasks_arch: { amd64: NO_TASKS, 'kfreebsd-i386': NO_TASKS, riscv64: { pending: 1, running: 0 } },
    },
  ],
  [
    'disabled and retired workers are not registered, and others have no architecture unless they are external',
    [
      ...worker({ enabled: false, hostArchitecture: 'amd64', architectures: ['amd64'] }, CONNECTED),
      told('worker.registered', 'worker/c', {
        type: 'celery',
        hostArchitecture: 'amd64',
        architectures: ['amd64'],
      }),
      told('worker.connected', 'worker/c'),
      told('worker.registered', 'worker/s', { type: 'signing' }),
      told('worker.retired', 'worker/s', {}, 1_000),
    ],
    {
      workers: { celery: row(1, 1, 1, 0), external: row(0, 0, 0, 0), signing: row(0, 0, 0, 0) },
      ...{ external_workers_arch: {}, external_workers_host_arch: {}, worker_tasks_arch: {} },
    },
  ],
  [
    'a worker that is busy and not connected is neither idle nor busy, and one without a host architecture has none',
    [
      ...worker({ architectures: ['amd64'] }),
      told('job.started', 'job/q/1', { ...TASK, worker: 'w', workerTenant: '$T' }),
    ],
    {
      'workers.external': row(1, 0, 0, 0),
      'external_workers_arch.amd64': row(1, 0, 0, 0),
      external_workers_host_arch: {},
    },
  ],
];
