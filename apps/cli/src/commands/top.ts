import { Command, Option } from 'commander';
import { UsageError } from '@quipu/platform';
import { type Cli } from '../support/cli.js';
import { findTenant } from '../support/find-tenant.js';
import { withServices } from '../support/services.js';
import { runTop } from '../top/run-top.js';
import { topReader } from '../top/top-data.js';
import {
  FIRST_VIEW,
  LONGEST_MS,
  QUEUE_SORTS,
  SHORTEST_MS,
  TENANT_SORTS,
  type TopView,
  WORKER_TOP_SORTS,
} from '../top/top-view.js';

const HELP = `
Keys: q quits; t, s and w change what tenants, queues and workers are ordered by; r turns the order about; p or space
pauses; + and - change how often it looks. Without a terminal, frames follow one another, with --json a line each.

Examples:
  $ ./quipu top
  $ ./quipu top --tenant acme --every 5
  $ ./quipu top --once
  $ ./quipu top --once --json
`;

interface RawTopOptions {
  readonly tenant?: string;
  readonly every: string;
  readonly tenants: TopView['tenants'];
  readonly queues: TopView['queues'];
  readonly workers: TopView['workers'];
  readonly once?: boolean;
  readonly json?: boolean;
}

/** `top`: queues, tenants and workers, live. */
export function topCommand(cli: Cli): Command {
  return new Command('top')
    .description('a live view of tenants, queues and workers')
    .option('--tenant <tenant>', 'only this tenant (id, else name)')
    .option('--every <seconds>', 'how often it looks', String(FIRST_VIEW.everyMs / 1000))
    .addOption(sort('tenants', TENANT_SORTS))
    .addOption(sort('queues', QUEUE_SORTS))
    .addOption(sort('workers', WORKER_TOP_SORTS))
    .option('--once', 'one frame, then end')
    .option('--json', 'print JSON, a line for each frame')
    .addHelpText('after', HELP)
    .action(async ({ tenant, every, once, json, ...sorts }: RawTopOptions) => {
      const everyMs = Number(every) * 1000;
      if (!(everyMs >= SHORTEST_MS && everyMs <= LONGEST_MS)) {
        throw new UsageError(`--every ${every} is no number of seconds.`, {
          hint: `It lies between ${SHORTEST_MS / 1000} and ${LONGEST_MS / 1000}.`,
        });
      }
      await withServices(cli, async (services) => {
        const known = tenant === undefined ? undefined : (await findTenant(services.pool, tenant)).id;
        const view: TopView = { ...FIRST_VIEW, ...sorts, everyMs };
        await runTop(cli, topReader(services, known), { view, once: once === true, json: json === true });
      });
    });
}

function sort(what: 'tenants' | 'queues' | 'workers', words: readonly string[]): Option {
  return new Option(`--${what} <order>`, `what ${what} are ordered by`).choices(words).default(words[0]);
}
