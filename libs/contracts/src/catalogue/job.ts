import { z } from 'zod';
import { MAX_NODES } from '../limits.js';
import { type Data, define } from './definition.js';
import * as field from './fields.js';

const MAX_ATTEMPT = 1_000_000;

/** Fields of every job event. All optional: an absent field says nothing. */
export const jobFields = {
  queue: field.name('Queue the job waits in.'),
  taskType: field.name('Kind of program that runs it, such as `Worker`, `Server`, `Workflow`.'),
  taskName: field.name('What it does, such as `sbuild`.'),
  user: field.name('User it belongs to.'),
  priority: field.integer(
    'Its priority as the queue means it; not interpreted.',
    -2_147_483_648,
    2_147_483_647,
  ),
  delayUntil: field.moment('The attempt does not count as waiting before this moment.'),
  attempt: field.integer('Which run of the job this is about; 1 if absent.', 1, MAX_ATTEMPT),
  worker: field.reference('worker', 'Worker that holds the attempt.'),
  workerTenant: field.tenant('Tenant of that worker; `superadmin` if absent.'),
  nodes: field.integer('Nodes held while the job runs; 0 if never told.', 0, MAX_NODES, 'nodes'),
  labels: field.labels('Further labels, such as `hostArchitecture` and `backend`.'),
  cluster: field.name('Cluster it runs on.'),
  clusterTemplate: field.name('Template of that cluster.'),
  result: field.oneOf('How it ended.', ['success', 'failure', 'error', 'skipped']),
  final: field.flag('On `job.failed`: false queues the next attempt at the same time; true if absent.'),
  error: field.text('What went wrong, for people.'),
  statistics: field.group('What the run took, all members optional.', {
    duration: field.seconds('Time it ran.'),
    cpuTime: field.seconds('Processor time.'),
    diskSpace: field.count('Most disk space used.', 'bytes'),
    memory: field.count('Most memory used.', 'bytes'),
    availableDiskSpace: field.count('Disk space there was.', 'bytes'),
    availableMemory: field.count('Memory there was.', 'bytes'),
    cpuCount: field.count('Processors there were.', 'processors'),
  }),
};

const job = (summary: string) => define({ kind: 'job', summary, fields: jobFields });

/** An end that was told before there were estimated ones is one that somebody saw, whatever else its data said. */
function seen({ estimated: _, life: __, ...others }: Data): Data {
  return others;
}

/** Lifecycle of jobs. Subject: `job/<queue>/<id>@<enqueued ms>`, or any other text that no second job will have. */
export const jobEvents = {
  'job.queued': job('An attempt began to wait.'),
  'job.blocked': job('The attempt waits for something other than a worker.'),
  'job.unblocked': job('What it waited for has come about.'),
  'job.assigned': job('A worker took the attempt, and has not started it.'),
  'job.requeued': job('The worker gave the attempt back.'),
  'job.started': job('The attempt began to run.'),
  'job.progressed': job('Something became known about a running attempt.'),
  'job.completed': job('The attempt ran to its end; `result` says with what outcome.'),
  'job.failed': job('The attempt broke off.'),
  'job.aborted': define({
    kind: 'job',
    summary: 'The attempt was stopped, or never began.',
    fields: {
      ...jobFields,
      estimated: field.flag(
        'Nobody saw it end: its worker was last heard of at this time. A later fact of the attempt makes it void; ' +
          'false if absent.',
      ),
      life: field.name(
        'Of an estimate: the life of the worker whose loss it follows from; absent: the nameless one.',
      ),
    },
    past: [{ schema: z.looseObject(jobFields), toNext: seen }],
  }),
  'job.removed': job('The job is gone from its queue for good, whatever its state was.'),
};
