import type { ReporterConnection } from '../connection.js';
import type { BullFlowProducer, BullQueue, BullWorker } from './bull.js';
import { FleetMember } from './fleet-member.js';
import { JobNames, workerFields } from './job-facts.js';
import { JobReports } from './job-reports.js';
import type { InstrumentOptions } from './options.js';
import { hookFlows, hookQueue } from './queue-hooks.js';
import { type Lease, ownReporter, sharedReporter } from './shared-reporters.js';
import { onSignal } from './signals.js';
import { hookWorker } from './worker-hooks.js';
import { WorkerRuns } from './worker-runs.js';

/** A Queue, Worker or FlowProducer of BullMQ 5 or 6. */
export interface Instrumentable {
  readonly opts: object;
  close(...args: never[]): Promise<unknown>;
}

const PROGRESS_MS = 1_000;
/** A process that a signal ends does not linger for longer than this, ms. */
const SIGNAL_MS = 1_000;
/** What is being looked up when something is closed may take so long, ms. */
const LOOK_MS = 5_000;

const instrumented = new WeakSet<object>();

/**
 * Lets a queue, a worker or a producer of flows of BullMQ 5 or 6 report what happens to its jobs; a worker also
 * reports itself. To be called right after it was made. The processor is not touched, no call of the program waits for
 * Quipu, except `close`, which gives what is still to be reported some seconds, and calls that take jobs out of a queue,
 * which are looked at before; whatever goes wrong goes to `onError`.
 *
 * @returns its argument, so that one line does: `const worker = instrument(new Worker(...), { tenant: 'acme' })`.
 * @throws TypeError if it is given something else.
 */
export function instrument<T extends Instrumentable>(target: T, options: InstrumentOptions): T {
  if (instrumented.has(target)) return target;
  const given = target as unknown as Partial<BullWorker & BullQueue & BullFlowProducer>;
  if (typeof given.processJob === 'function' && typeof given.callProcessJob === 'function') {
    instrumentWorker(given as BullWorker, options);
  } else if (typeof given.add === 'function' && typeof given.getJobs === 'function') {
    const { reports, lease } = prepare(given.opts, options);
    hookQueue(given as BullQueue, reports);
    hookClose(
      given as BullQueue,
      () => lease.release(),
      () => reports.settled(LOOK_MS),
    );
  } else if (typeof given.add === 'function' && typeof given.addBulk === 'function') {
    const { reports, lease } = prepare(given.opts, options);
    hookFlows(given as BullFlowProducer, reports);
    hookClose(
      given as BullFlowProducer,
      () => lease.release(),
      () => reports.settled(LOOK_MS),
    );
  } else {
    throw new TypeError('instrument takes a Queue, a Worker or a FlowProducer of BullMQ 5 or 6');
  }
  instrumented.add(target);
  return target;
}

function instrumentWorker(worker: BullWorker, options: InstrumentOptions): void {
  const { reports, lease } = prepare(worker.opts, options);
  const { worker: description = {}, signals = true, leaseSeconds } = options;
  const queue = options.queue ?? worker.name;
  const member =
    description === false
      ? undefined
      : reports.quietly(() => new FleetMember(lease.reporter, description, queue, worker.opts.name));
  const fields = member === undefined ? {} : workerFields(member.id, member.tenant);
  const runs = new WorkerRuns(reports, fields, options.progressMs ?? PROGRESS_MS);
  hookWorker(worker, reports, runs);
  hookLastJobs(worker, () => reports.settled(LOOK_MS));
  member?.join(worker.concurrency, leaseSeconds);
  const forget = signals
    ? onSignal(() => {
        runs.abandon();
        member?.leave();
        return lease.release(SIGNAL_MS);
      })
    : undefined;
  hookClose(worker, () => {
    forget?.();
    member?.leave();
    return lease.release();
  });
}

function prepare(
  opts: { readonly connection?: unknown } | undefined,
  options: InstrumentOptions,
): { reports: JobReports; lease: Lease } {
  const { onError } = options;
  const tell = (error: unknown): void => {
    try {
      onError?.(error instanceof Error ? error : new Error(String(error)));
    } catch {
      // A handler that throws must not reach the program's jobs.
    }
  };
  const connection = options.connection ?? (opts?.connection as ReporterConnection | undefined) ?? {};
  const lease =
    options.reporter === undefined
      ? sharedReporter(connection, onError === undefined ? {} : { onError })
      : ownReporter(options.reporter);
  return { lease, reports: new JobReports(lease.reporter, new JobNames(options, tell), tell) };
}

/**
 * A worker that closes takes no more jobs, and disconnects when the last one is done: what that one's end gives to look
 * up comes before.
 */
function hookLastJobs(worker: BullWorker, settled: () => Promise<void>): void {
  if (typeof worker.whenCurrentJobsFinished !== 'function') return;
  const finished = worker.whenCurrentJobsFinished.bind(worker);
  worker.whenCurrentJobsFinished = async (...args) => {
    await finished(...args);
    if (worker.closing) await settled();
  };
}

/** Gives the reports their time: before the program's connection is closed, and once it is. */
function hookClose(
  target: { close: (...args: never[]) => Promise<unknown> },
  done: () => Promise<unknown>,
  before?: () => Promise<unknown>,
): void {
  const close = target.close.bind(target);
  let closing: Promise<unknown> | undefined;
  target.close = (...args) => {
    closing ??= (before === undefined ? close(...args) : before().then(() => close(...args))).finally(done);
    return closing;
  };
}
