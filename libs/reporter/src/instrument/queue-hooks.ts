import type { BullFlow, BullFlowJob, BullFlowProducer, BullJob, BullJobOptions, BullQueue } from './bull.js';
import type { JobReports } from './job-reports.js';
import { hookRemovals, lookUp, reportGone, type Seen } from './removal-hooks.js';

/** Mark in the options of a job: it was reported when it was enqueued. */
const MARK = { quipu: 1 };

/** Whether BullMQ may find an older job in place of a new one, and silently keep that. */
function mayBeOld(opts: BullJobOptions | undefined): boolean {
  return (
    opts?.jobId !== undefined ||
    opts?.deduplication !== undefined ||
    opts?.debounce !== undefined ||
    opts?.repeat !== undefined
  );
}

function marked(opts: BullJobOptions | undefined): BullJobOptions | undefined {
  return mayBeOld(opts) ? opts : { ...opts, ...MARK };
}

function enqueued(reports: JobReports, job: BullJob, blocked = false): void {
  if (job.opts.quipu === undefined) reports.queuedIfStored(job, blocked);
  else reports.quietly(() => reports.queued(job, reports.names.of(job), blocked));
}

/** Lets a queue report the jobs it is given, and those that it loses. */
export function hookQueue(queue: BullQueue, reports: JobReports): void {
  const add = queue.add.bind(queue);
  queue.add = async (name, data, opts) => {
    const before = mayReplace(opts) ? await replaceable(queue, reports, opts) : [];
    const job = await add(name, data, marked(opts));
    if (before.length > 0) reportGone(queue, reports, before);
    enqueued(reports, job);
    return job;
  };
  const addBulk = queue.addBulk.bind(queue);
  queue.addBulk = async (jobs) => {
    const replacing = jobs.filter((job) => mayReplace(job.opts));
    const before =
      replacing.length === 0
        ? []
        : (await Promise.all(replacing.map((job) => replaceable(queue, reports, job.opts)))).flat();
    const added = await addBulk(jobs.map((job) => ({ ...job, opts: marked(job.opts) ?? {} })));
    if (before.length > 0) reportGone(queue, reports, before);
    for (const job of added) enqueued(reports, job);
    return added;
  };
  hookRemovals(queue, reports);
}

/** Whether a new job may take the place of another one. */
function mayReplace(opts: BullJobOptions | undefined): boolean {
  const { replace } = (opts?.deduplication ?? {}) as { replace?: unknown };
  return replace === true;
}

/** The job that a new one may take the place of: BullMQ tells nobody that the old one is gone. */
async function replaceable(
  queue: BullQueue,
  reports: JobReports,
  opts: BullJobOptions | undefined,
): Promise<Seen[]> {
  const { id } = (opts?.deduplication ?? {}) as { id?: string };
  if (id === undefined) return [];
  return lookUp(reports, async () => {
    const old = await queue.getDeduplicationJobId?.(id);
    return old === undefined || old === null ? undefined : queue.Job.fromId(queue, old);
  });
}

/** Lets a producer of flows report the jobs of its flows. A job with children is blocked by them. */
export function hookFlows(producer: BullFlowProducer, reports: JobReports): void {
  const add = producer.add.bind(producer);
  producer.add = async (flow, ...rest) => {
    const node = await add(markedFlow(flow), ...rest);
    if (node !== undefined) enqueuedFlow(reports, node);
    return node;
  };
  const addBulk = producer.addBulk.bind(producer);
  producer.addBulk = async (flows) => {
    const nodes = await addBulk(flows.map(markedFlow));
    for (const node of nodes ?? []) enqueuedFlow(reports, node);
    return nodes;
  };
}

function markedFlow(flow: BullFlow): BullFlow {
  const opts = marked(flow.opts);
  return {
    ...flow,
    ...(opts === undefined ? {} : { opts }),
    ...(flow.children === undefined ? {} : { children: flow.children.map(markedFlow) }),
  };
}

function enqueuedFlow(reports: JobReports, { job, children = [] }: BullFlowJob): void {
  enqueued(reports, job, children.length > 0);
  for (const child of children) enqueuedFlow(reports, child);
}
