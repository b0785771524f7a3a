import { Command, Option } from 'commander';
import { WORKER_STATES, WorkerQueries, type WorkerStateName } from '@quipu/read-models';
import { printWorkers, printWorkersJson } from '../fleet/print-workers.js';
import { sortWorkers, WORKER_SORT_WORDS } from '../fleet/sort-workers.js';
import { type Cli } from '../support/cli.js';
import { findTenant } from '../support/find-tenant.js';
import { lagNote } from '../support/lag-note.js';
import { localScope } from '../support/scope.js';
import { withServices } from '../support/services.js';

const HELP = `
busy: jobs hold it; idle: it waits for some; offline: it left; lost: it has not been heard of for longer than its
lease, so it counts as gone since its last sign of life (estimated, until it is heard of again). Workers that several
tenants share belong to the tenant superadmin.

Examples:
  $ ./quipu workers
  $ ./quipu workers --state lost --sort since
  $ ./quipu workers --tenant acme --pool farm --json
`;

interface WorkersOptions {
  readonly tenant?: string;
  readonly pool?: string;
  readonly type?: string;
  readonly state?: WorkerStateName;
  readonly sort: string;
  readonly json?: boolean;
}

/** `workers`: who works, since when, and at what. */
export function workersCommand(cli: Cli): Command {
  return new Command('workers')
    .description('workers: what they do, since when, and the jobs that hold them')
    .option('--tenant <tenant>', 'only of this tenant (id, else name)')
    .option('--pool <pool>', 'only of this pool')
    .option('--type <type>', 'only of this type')
    .addOption(new Option('--state <state>', 'only in this state').choices(WORKER_STATES))
    .addOption(
      new Option('--sort <what>', 'order; a minus sign in front turns it about')
        .choices(WORKER_SORT_WORDS)
        .default('worker'),
    )
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async ({ tenant, pool, type, state, sort, json }: WorkersOptions) => {
      await withServices(cli, async (services) => {
        const known = tenant === undefined ? undefined : (await findTenant(services.pool, tenant)).id;
        const answer = await new WorkerQueries(services.pool).workers(localScope(), {
          now: cli.clock.now(),
          ...(known === undefined ? {} : { tenant: known }),
          ...(pool === undefined ? {} : { pool }),
          ...(type === undefined ? {} : { type }),
          ...(state === undefined ? {} : { state }),
        });
        const rows = sortWorkers(answer.rows, sort);
        if (json) printWorkersJson(cli.terminal, answer, rows);
        else printWorkers(cli.terminal, answer, rows, await lagNote(services.pool, answer.position));
      });
    });
}
