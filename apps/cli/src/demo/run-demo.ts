import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog } from '@quipu/event-log';
import { type UsageAnswer, UsageQueries } from '@quipu/read-models';
import { type Pool } from 'pg';
import { Courier } from '../import/courier.js';
import { noOutcome, type Outcome } from '../import/outcome.js';
import { type Cli } from '../support/cli.js';
import { databaseNow } from '../support/database-now.js';
import { openDepth } from '../support/depth.js';
import { ensureProjector } from '../support/projector.js';
import { openQueue } from '../support/queue.js';
import { localScope } from '../support/scope.js';
import { type Services } from '../support/services.js';
import { note } from '../support/terminal.js';
import { waitProjected } from '../support/wait-projected.js';
import { DemoScreen } from './demo-screen.js';
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
    onNobodyThere: () => note(cli.terminal, 'Nobody takes events from the queue: is a projector running?'),
  });
  const startMs = cli.clock.now();
  const fleet = new Fleet(options.seed, startMs);
  const screen = new DemoScreen(cli.terminal, options.forMs);
  const depth = openDepth(services);
  let events = 0;
  const over = (): boolean => cli.interrupted.aborted || cli.clock.now() - startMs >= options.forMs;
  while (!over()) {
    projector.broken.throwIfAborted();
    const due = fleet.advance(cli.clock.now());
    events += due.length;
    if (due.length > 0) await courier.send(due);
    await courier.lookForArrivals();
    const elapsedMs = cli.clock.now() - startMs;
    if (!options.quiet && screen.wants(elapsedMs)) {
      const now = cli.clock.now();
      const answer = await depth.depth(localScope(), now);
      const usage = await demoUsage(pool, startMs, now);
      const levels = await new UsageQueries(pool).levels(localScope(), {
        ...{ level: 'nodes', now, at: [now], groupBy: ['tenant'] },
      });
      const tables = [drawDepth(cli.terminal, answer.rows, now), drawUsage(cli.terminal, usage, levels.rows)];
      screen.draw({ elapsedMs, forMs: options.forMs, events }, tables);
    }
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

async function demoUsage(pool: Pool, startMs: number, now: number): Promise<UsageAnswer> {
  const query = { level: 'nodes' as const, start: startMs, now, groupBy: ['tenant' as const] };
  const answer = await new UsageQueries(pool).usage(localScope(), query);
  const ours = new Set(DEMO_TENANTS.map((tenant) => tenant.id));
  return { ...answer, rows: answer.rows.filter((row) => ours.has(row.group.tenant ?? '')) };
}
