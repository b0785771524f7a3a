import { NOW } from '../small-events.js';
import { CONNECTED, TASK, told, type Told, worker } from './told.js';

/** What happened in a tenant of its own (`$T`), and all lines of its scrape that begin so, in their order. */
export type ScrapeSentence = readonly [
  what: string,
  events: readonly Told[],
  begin: string,
  lines: readonly string[],
];

const Q = 'tenant="$T",queue="q"';
/** A fact of a job, some seconds ago. */
const job = (id: string, type: string, ago: number, data: object = {}): Told =>
  told(`job.${type}`, `job/q/${id}`, data, ago * 1000);
const at = (ago: number): string => new Date(NOW - ago * 1000).toISOString();
/** Sum and count of each result, the results in order. */
const sums = (
  family: string,
  ...results: readonly (readonly [result: string, sum: string, count: number])[]
): string[] =>
  results.flatMap(([result, sum, count]) => {
    const labels = `{${Q},task="sbuild",result="${result}"}`;
    return [`${family}_sum${labels} ${sum}`, `${family}_count${labels} ${count}`];
  });

/** Of our own families (docs/semantics.md). */
export const QUIPU_SENTENCES: readonly ScrapeSentence[] = [
  [
    'jobs are counted by what they are doing now, and the removed no more',
    [
      ...[job('1', 'queued', 60, TASK), job('2', 'queued', 60, { ...TASK, delayUntil: at(-0.001) })],
      ...[job('3', 'blocked', 60, TASK), job('4', 'assigned', 60, TASK), job('5', 'started', 60, TASK)],
      ...[job('6', 'completed', 60, TASK), job('7', 'failed', 60, TASK), job('8', 'aborted', 60, TASK)],
      ...[job('9', 'completed', 60, TASK), job('9', 'removed', 50), job('10', 'queued', 60, TASK)],
      ...[
        job('10', 'removed', 70),
        job('11', 'queued', 60, { ...TASK, delayUntil: at(0) }),
        job('12', 'progressed', 60),
      ],
    ],
    'quipu_jobs{',
    [
      'aborted 1',
      'assigned 1',
      'blocked 1',
      'completed 1',
      'delayed 1',
      'failed 1',
      'queued 2',
      'running 1',
    ].map((line) => `quipu_jobs{${Q},state="${line.replace(' ', '"} ')}`),
  ],
  [
    'every attempt that ended is counted for good, under how it ended',
    [
      ...[job('1', 'completed', 60, TASK), job('1', 'removed', 50), job('2', 'started', 60, TASK)],
      ...[
        job('2', 'failed', 50, { final: false }),
        job('2', 'completed', 40, { attempt: 2 }),
        job('3', 'aborted', 9, TASK),
      ],
      job('4', 'completed', 60, { ...TASK, queue: 'other' }),
    ],
    'quipu_jobs_finished_total',
    [
      ...[`{tenant="$T",queue="other",outcome="completed"} 1`, `{${Q},outcome="aborted"} 1`],
      ...[`{${Q},outcome="completed"} 2`, `{${Q},outcome="failed"} 1`],
    ].map((line) => `quipu_jobs_finished_total${line}`),
  ],
  [
    'the oldest that is due is told of each queue, and a queue without any has no line',
    [
      job('1', 'queued', 60, { queue: 'a' }),
      job('2', 'queued', 90, { queue: 'a', delayUntil: at(70.5) }),
      job('3', 'queued', 90, { queue: 'b', delayUntil: at(0) }),
      job('4', 'queued', 90, { queue: 'c', delayUntil: at(-1) }),
      ...[
        job('5', 'queued', 90, { queue: 'd' }),
        job('5', 'started', 80),
        job('6', 'blocked', 90, { queue: 'e' }),
      ],
      ...[job('7', 'blocked', 90, { queue: 'f' }), job('7', 'unblocked', 30)],
    ],
    'quipu_oldest_waiting_seconds',
    ['a"} 70.5', 'b"} 0', 'f"} 30'].map((line) => `quipu_oldest_waiting_seconds{tenant="$T",queue="${line}`),
  ],
  [
    'waits leave out what was delayed or blocked, and tell how they ended',
    [
      ...[job('1', 'queued', 100, TASK), job('1', 'started', 70)],
      ...[job('2', 'queued', 100, { ...TASK, delayUntil: at(80) }), job('2', 'started', 70)],
      ...[
        job('3', 'queued', 100, TASK),
        job('3', 'blocked', 90),
        job('3', 'unblocked', 75),
        job('3', 'started', 70),
      ],
      ...[job('4', 'queued', 100, TASK), job('4', 'aborted', 98.5), job('5', 'queued', 100, TASK)],
      ...[job('6', 'started', 100, TASK), job('6', 'completed', 90)],
      ...[job('7', 'queued', 100, TASK), job('7', 'started', 110)],
    ],
    'quipu_job_wait_seconds_(sum|count)',
    sums('quipu_job_wait_seconds', ['aborted', '1.5', 1], ['started', '55', 4]),
  ],
  [
    'runs tell their result, or else how they ended; an end before its start is a run of 0',
    [
      ...[job('1', 'started', 100, TASK), job('1', 'completed', 90), job('2', 'started', 100, TASK)],
      ...[
        job('2', 'completed', 99.95, { result: 'skipped' }),
        job('3', 'started', 100, TASK),
        job('3', 'failed', 80),
      ],
      ...[
        job('4', 'started', 100, TASK),
        job('4', 'failed', 80, { result: 'error' }),
        job('5', 'started', 100, TASK),
      ],
      ...[
        job('5', 'aborted', 70),
        job('6', 'started', 100, TASK),
        job('6', 'completed', 110),
        job('7', 'started', 9, TASK),
      ],
    ],
    'quipu_job_run_seconds_(sum|count)',
    sums(
      'quipu_job_run_seconds',
      ...([
        ['aborted', '30', 1],
        ['error', '20', 1],
        ['failure', '20', 1],
      ] as const),
      ...([
        ['skipped', '0.05', 1],
        ['success', '10', 2],
      ] as const),
    ),
  ],
  [
    'clocks that disagree are counted',
    [
      ...[job('1', 'started', 100, TASK), job('1', 'completed', 110), told('node.allocated', 'node/c/1')],
      ...[
        told('node.released', 'node/c/1', {}, 90_000),
        told('instance.terminated', 'instance/1', {}, 90_000),
      ],
      told('instance.launched', 'instance/1'),
    ],
    'quipu_intervals_skewed',
    ['instance', 'job', 'node'].map((kind) => `quipu_intervals_skewed{tenant="$T",kind="${kind}"} 1`),
  ],
  [
    'an attempt that nobody ended is estimated to end where the next begins',
    [job('1', 'started', 100, { ...TASK, nodes: 3 }), job('1', 'started', 60, { attempt: 2 })],
    'quipu_(estimated_seconds|intervals_estimated|node_seconds)',
    [
      'quipu_estimated_seconds{tenant="$T",level="nodes"} 120',
      'quipu_estimated_seconds{tenant="$T",level="running"} 40',
      'quipu_intervals_estimated{tenant="$T",kind="job"} 1',
      'quipu_node_seconds_total{tenant="$T"} 300',
    ],
  ],
  [
    'nodes are held by jobs while they run, and by themselves, each life of them',
    [
      ...[told('node.allocated', 'node/c/1', {}, 100_000), told('node.released', 'node/c/1', {}, 90_000)],
      ...[told('node.allocated', 'node/c/1', {}, 20_500), told('node.allocated', 'node/c/2', {}, 10_000)],
      ...[
        told('node.released', 'node/c/2', {}, 5_000),
        job('1', 'started', 10, { ...TASK, nodes: 1_000_000 }),
      ],
    ],
    'quipu_node',
    ['quipu_node_seconds_total{tenant="$T"} 10000035.5', 'quipu_nodes{tenant="$T"} 1'],
  ],
  [
    'every event in the ledger is counted by its type, for good',
    [
      job('1', 'queued', 60, TASK),
      job('1', 'queued', 50),
      job('1', 'removed', 40),
      told('tenant.set', 'tenant/x'),
    ],
    'quipu_events_total',
    ['job.queued"} 2', 'job.removed"} 1', 'tenant.set"} 1'].map(
      (line) => `quipu_events_total{tenant="$T",type="${line}`,
    ),
  ],
  [
    'workers are busy, idle or offline, by their slots and for how long',
    [
      ...worker({ pool: 'p', concurrency: 3 }, CONNECTED),
      told('worker.registered', 'worker/v', { pool: 'p' }, 50_000),
      ...[1, 2].map((id) => told('job.started', `job/q/${id}`, { worker: 'w', workerTenant: '$T' }, 30_000)),
      told('instance.launched', 'instance/1', { pool: 'p' }),
      told('instance.launched', 'instance/2', { pool: 'p' }),
      told('instance.terminated', 'instance/2', {}, 1_000),
    ],
    'quipu_(worker|pool|instances)',
    [
      'quipu_instances{pool="p"} 1',
      'quipu_pool_busy_ratio{pool="p"} 0.666666',
      ...['busy 2', 'idle 1', 'offline 1'].map(
        (one) => `quipu_worker_slots{pool="p",state="${one.replace(' ', '"} ')}`,
      ),
      ...['busy 60', 'idle 180', 'offline 80'].map(
        (one) => `quipu_worker_state_seconds_total{pool="p",state="${one.replace(' ', '"} ')}`,
      ),
      'quipu_workers{pool="p",type="",state="offline"} 1',
      'quipu_workers{pool="p",type="external",state="busy"} 1',
    ],
  ],
  [
    'names may hold what must be escaped, and come by their values',
    ['h', 'h 1', 'h"', 'h\\', 'h\n', 'ü'].map((queue, i) => job(String(i), 'queued', 60, { queue })),
    'quipu_jobs{',
    ['h', 'h\\n', 'h 1', 'h\\"', 'h\\\\', 'ü'].map(
      (queue) => `quipu_jobs{tenant="$T",queue="${queue}",state="queued"} 1`,
    ),
  ],
];
