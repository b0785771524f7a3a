import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog } from '@quipu/event-log';
import { type UsageAnswer, UsageQueries } from '@quipu/read-models';
import { type Pool } from 'pg';
import { Courier } from '../import/courier.js';
import { noOutcome, type Outcome } from '../import/outcome.js';
import { type Cli } from '../support/cli.js';
import { databaseNow } from '../support/database-now.js';
import { openDepth } from '../support/depth.js';
import { LiveScreen } from '../support/live-screen.js';
import { formatCount, formatDuration } from '../support/numbers.js';
import { ensureProjector } from '../support/projector.js';
import { countConsumers, openQueue } from '../support/queue.js';
import { localScope } from '../support/scope.js';
import { type Services } from '../support/services.js';
import { note } from '../support/terminal.js';
import { waitProjected } from '../support/wait-projected.js';
import { drawDepth, drawUsage } from './draw.js';
import { Fleet } from './fleet.js';
import { DEMO_TENANTS } from './tenants.js';

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
  readonly outcome: Outcome;
  /** Node usage per tenant of the demo, since its start. */
  readonly usage: UsageAnswer;
}

const TICK_MS = 200;

/** Keeps the make-believe fleet living for a while, on the real queue, and answers when the ledger has it all. */
export async function runDemo(cli: Cli, services: Services, options: DemoOptions): Promise<DemoResult> {
  const { pool } = services;
  const queue = await openQueue(services);
  const projector = await ensureProjector(cli, services, queue);
  const outcome = noOutcome();
  const onWait = (): void => note(cli.terminal, 'Postgres or Redis is away: waiting for it to come back.');
  const courier = new Courier({
    ...{ queue, pool, outcome, backfill: false, sinceMs: await databaseNow(pool), onWait },
    consumers: () => countConsumers(queue, services.redisUrl),
    onNobodyThere: () => note(cli.terminal, 'Nobody takes events from the queue: is a projector running?'),
  });
  const startMs = cli.clock.now();
  const fleet = new Fleet(options.seed, startMs);
  const show = options.quiet ? undefined : demoView(cli, services, options.forMs, startMs);
  const over = (): boolean => cli.interrupted.aborted || cli.clock.now() - startMs >= options.forMs;
  while (!over()) {
    projector.broken.throwIfAborted();
    await courier.send(fleet.advance(cli.clock.now()));
    await courier.lookForArrivals();
    await show?.(outcome.added);
    await sleep(TICK_MS);
  }
  await courier.send(fleet.goHome(cli.clock.now()));
  while (courier.onTheWay > 0) {
    projector.broken.throwIfAborted();
    if ((await courier.lookForArrivals()) === 0) await sleep(20);
  }
  await waitProjected(pool, (await new EventLog(pool).head()).position, { signal: projector.broken });
  projector.broken.throwIfAborted();
  return { source: fleet.source, startMs, outcome, usage: await demoUsage(pool, startMs, cli.clock.now()) };
}

/** Draws depth and usage when it is time: every second on a terminal, a few times in all elsewhere. */
function demoView(
  cli: Cli,
  services: Services,
  forMs: number,
  startMs: number,
): (events: number) => Promise<void> {
  const { terminal } = cli;
  const { bold, dim } = terminal.colours;
  const everyMs = terminal.outIsTty ? 1_000 : Math.max(5_000, forMs / 6);
  const screen = new LiveScreen(terminal);
  const depth = openDepth(services);
  const queries = new UsageQueries(services.pool);
  let drawnMs = startMs - everyMs;
  return async (events) => {
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
    const title = `${bold('demo')}  ${elapsed} of ${formatDuration(forMs)}  ${dim(`${formatCount(events)} events`)}`;
    const tables = [drawDepth(terminal, rows), drawUsage(terminal, usage, levels.rows)];
    screen.draw([title, ...tables, ''].join('\n\n'));
  };
}

async function demoUsage(pool: Pool, startMs: number, now: number): Promise<UsageAnswer> {
  const query = { level: 'nodes' as const, start: startMs, now, groupBy: ['tenant' as const] };
  const answer = await new UsageQueries(pool).usage(localScope(), query);
  const ours = new Set(DEMO_TENANTS.map((tenant) => tenant.id));
  return { ...answer, rows: answer.rows.filter((row) => ours.has(row.group.tenant ?? '')) };
}
