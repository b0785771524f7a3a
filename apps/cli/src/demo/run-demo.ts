import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog } from '@quipu/event-log';
import { type UsageAnswer, UsageQueries } from '@quipu/read-models';
import { createReporter, type Reporter } from '@quipu/reporter';
import { createRedis } from '@quipu/platform';
import { type Queue } from 'bullmq';
import { once } from 'node:events';
import { type Pool } from 'pg';
import { type Cli } from '../support/cli.js';
import { openDepth } from '../support/depth.js';
import { LiveScreen } from '../support/live-screen.js';
import { formatCount, formatDuration } from '../support/numbers.js';
import { withPatience } from '../support/patience.js';
import { ensureProjector } from '../support/projector.js';
import { countConsumers, openQueue } from '../support/queue.js';
import { localScope } from '../support/scope.js';
import { type Services } from '../support/services.js';
import { note } from '../support/terminal.js';
import { waitProjected } from '../support/wait-projected.js';
import { Agenda } from './agenda.js';
import { makeInputs } from './demo-inputs.js';
import {
  artifactsOf,
  beginRun,
  deadRuns,
  heldNodes,
  type DemoRun,
  inputsOf,
  removeRun,
  storeNameOf,
  workersOf,
} from './demo-run.js';
import { drawDepth, drawUsage } from './draw.js';
import { Random } from './random.js';
import { TenantJobs, TenantQueues } from './tenant-jobs.js';
import { DEMO_TENANTS } from './tenants.js';
import { type Incidents, releaseNode, WorkerFleet } from './worker-fleet.js';

/** What the demo is asked to do. */
export interface DemoOptions {
  readonly forMs: number;
  readonly seed: number;
  /** Show nothing while it runs. */
  readonly quiet: boolean;
}

/** What the demo did, and what it comes to. */
export interface DemoResult {
  readonly source: string;
  readonly startMs: number;
  /** Events of the demo's tenants in the log. */
  readonly events: bigint;
  readonly artifacts: number;
  readonly incidents: Incidents;
  /** Node usage per tenant of the demo, since its start. */
  readonly usage: UsageAnswer;
}

const TICK_MS = 100;
const TELL_AFTER_MS = 10_000;

/** Keeps real workers busy for a while, on real queues, and answers when the ledger has all they reported. */
export async function runDemo(cli: Cli, services: Services, options: DemoOptions): Promise<DemoResult> {
  const { pool } = services;
  const queue = await openQueue(services);
  const projector = await ensureProjector(cli, services, queue);
  const from = (await new EventLog(pool).head()).position;
  const startMs = cli.clock.now();
  const source = `demo:${options.seed}-${startMs.toString(36)}`;
  const reporter = createReporter({ connection: services.redisUrl, source });
  services.onClose(() => reporter.close());
  const redis = createRedis(services.redisUrl, 'producer', 'quipu-demo');
  services.onClose(() => Promise.resolve(redis.disconnect()));
  if (redis.status !== 'ready') await once(redis, 'ready');

  for (const dead of deadRuns(services.config.dataDir)) await putAway(dead, { redis, reporter });
  const run = beginRun(services.config.dataDir, startMs);
  const fleet = new WorkerFleet(services, run, reporter, new Random(options.seed));
  const events = (): Promise<bigint> => countEvents(pool, from);
  const show = options.quiet
    ? undefined
    : demoView(cli, services, { forMs: options.forMs, startMs, events, fleet });
  let artifacts = 0;
  try {
    const agenda = new Agenda();
    const told = new Set<string>();
    const onError = (error: unknown): void => {
      const text = error instanceof Error ? error.message : String(error);
      if (!told.has(text)) note(cli.terminal, `A job could not be added: ${text}`);
      told.add(text);
    };
    const context = { run, redis, reporter, agenda, now: () => cli.clock.now(), onError };
    for (const [n, tenant] of DEMO_TENANTS.entries()) {
      const random = new Random(options.seed + n + 1);
      const inputs = makeInputs(inputsOf(run, tenant), random, tenant.runMs);
      const queues = new TenantQueues(tenant, context);
      services.onClose(() => queues.close());
      new TenantJobs(tenant, queues, inputs, { ...context, random }).start();
    }
    fleet.start(agenda, startMs, options.forMs);
    const over = (): boolean => cli.interrupted.aborted || cli.clock.now() - startMs >= options.forMs;
    while (!over()) {
      projector.broken.throwIfAborted();
      fleet.broken.throwIfAborted();
      for (let next = agenda.take(cli.clock.now()); next; next = agenda.take(cli.clock.now())) next.run();
      await show?.();
      await sleep(TICK_MS);
    }
  } finally {
    await fleet.stop();
    artifacts = DEMO_TENANTS.reduce((sum, tenant) => sum + artifactsOf(run, tenant).length, 0);
    await putAway(run, { redis, reporter });
  }
  await arrival(cli, services, queue, projector.broken);
  await waitProjected(pool, (await new EventLog(pool).head()).position, { signal: projector.broken });
  projector.broken.throwIfAborted();
  const usage = await demoUsage(pool, startMs, cli.clock.now());
  return { source, startMs, events: await events(), artifacts, incidents: fleet.incidents, usage };
}

/**
 * Puts away what a run has left when none of its workers lives any more: its jobs, its artifacts, its workers' names,
 * its files; and reports it, so that a demo that is over uses nothing any more.
 */
async function putAway(
  run: DemoRun,
  { redis, reporter }: { redis: ReturnType<typeof createRedis>; reporter: Reporter },
): Promise<void> {
  for (const tenant of DEMO_TENANTS) {
    const queues = new TenantQueues(tenant, { run, redis, reporter });
    await withPatience(() => queues.clear());
    await queues.close();
    const say = (type: 'artifact.deleted' | 'worker.retired' | 'file_store.removed', id: string): void => {
      reporter.report({
        type,
        tenant: tenant.id,
        subject: `${type.slice(0, type.indexOf('.'))}/${id}`,
        data: {},
      });
    };
    for (const id of artifactsOf(run, tenant)) say('artifact.deleted', id);
    for (const { name } of workersOf(run, tenant))
      for (const of of tenant.queues) say('worker.retired', `${name}/${of}`);
    say('file_store.removed', storeNameOf(run, tenant));
  }
  for (const node of heldNodes(run)) releaseNode(reporter, node);
  await reporter.flush();
  removeRun(run);
}

/** Waits until the log has what the queue had. */
async function arrival(cli: Cli, services: Services, queue: Queue, broken: AbortSignal): Promise<void> {
  const patience = { onWait: () => note(cli.terminal, 'Redis is away: waiting for it to come back.') };
  let tellAtMs = Date.now() + TELL_AFTER_MS;
  for (;;) {
    broken.throwIfAborted();
    const counts = await withPatience(
      () => queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized'),
      patience,
    );
    if (Object.values(counts).every((n) => n === 0)) return;
    if (Date.now() > tellAtMs && (await countConsumers(queue, services.redisUrl)) === 0) {
      note(cli.terminal, 'Nobody takes events from the queue: is a projector running?');
      tellAtMs = Infinity;
    }
    await sleep(20);
  }
}

interface View {
  readonly forMs: number;
  readonly startMs: number;
  readonly events: () => Promise<bigint>;
  readonly fleet: WorkerFleet;
}

/** Draws depth and usage when it is time: every second on a terminal, a few times in all elsewhere. */
function demoView(
  cli: Cli,
  services: Services,
  { forMs, startMs, events, fleet }: View,
): () => Promise<void> {
  const { terminal } = cli;
  const { bold, dim } = terminal.colours;
  const everyMs = terminal.outIsTty ? 1_000 : Math.max(5_000, forMs / 6);
  const screen = new LiveScreen(terminal);
  const depth = openDepth(services);
  const queries = new UsageQueries(services.pool);
  let drawnMs = startMs - everyMs;
  return async () => {
    const now = cli.clock.now();
    if (now - drawnMs < everyMs) return;
    drawnMs = now;
    const { rows } = await depth.depth(localScope(), now);
    const usage = await demoUsage(services.pool, startMs, now);
    const levels = await queries.levels(localScope(), {
      level: 'nodes',
      now,
      at: [now],
      groupBy: ['tenant'],
    });
    const elapsed = formatDuration(Math.floor((now - startMs) / 1000) * 1000);
    const { killed, frozen, restarted } = fleet.incidents;
    const about = [
      `${formatCount(await events())} events`,
      `${fleet.running} workers (${killed} killed, ${frozen} frozen, ${restarted} restarted)`,
    ];
    const title = `${bold('demo')}  ${elapsed} of ${formatDuration(forMs)}  ${dim(about.join(', '))}`;
    const tables = [drawDepth(terminal, rows), drawUsage(terminal, usage, levels.rows)];
    screen.draw([title, ...tables, ''].join('\n\n'));
  };
}

async function countEvents(pool: Pool, from: bigint): Promise<bigint> {
  const { rows } = await pool.query<{ n: string }>(
    'SELECT count(*) AS n FROM log WHERE position > $1 AND tenant = ANY($2)',
    [String(from), DEMO_TENANTS.map((tenant) => tenant.id)],
  );
  return BigInt(rows[0]?.n ?? 0);
}

async function demoUsage(pool: Pool, startMs: number, now: number): Promise<UsageAnswer> {
  const query = { level: 'nodes' as const, start: startMs, now, groupBy: ['tenant' as const] };
  const answer = await new UsageQueries(pool).usage(localScope(), query);
  const ours = new Set(DEMO_TENANTS.map((tenant) => tenant.id));
  return { ...answer, rows: answer.rows.filter((row) => ours.has(row.group.tenant ?? '')) };
}
