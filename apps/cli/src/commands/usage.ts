import { Command, Option } from 'commander';
import { EstimatedUsageQueries, PastQueries, USAGE_LEVELS } from '@quipu/read-models';
import { AS_OF_FORMS, parseAsOf } from '../support/as-of.js';
import { type Cli } from '../support/cli.js';
import { findTenant } from '../support/find-tenant.js';
import { lagNote } from '../support/lag-note.js';
import { localScope } from '../support/scope.js';
import { withServices } from '../support/services.js';
import { TIME_FORMS } from '../support/times.js';
import { printUsage, printUsageJson } from '../usage/print-usage.js';
import { BUCKETS, checkUsageOptions, type RawUsageOptions } from '../usage/usage-options.js';

const HELP = `
Usage is a level summed over time: nodes held give node-seconds, jobs waiting or running give job-seconds.
Numbers are exact; what is alive accrues up to now. Buckets are UTC, weeks begin on Monday, the first and
the last bucket are cut at the window. What comes from intervals whose end nobody told (a worker was lost) is told
as estimated, and is a part of the numbers.

A TIME is ${TIME_FORMS}.

Examples:
  $ ./quipu usage
  $ ./quipu usage --by tenant,user
  $ ./quipu usage --by queue --level waiting --start -7d
  $ ./quipu usage --tenant g1 --bucket month --start 1993-10-01 --end 1994-01-01
  $ ./quipu usage --by cluster --json
`;

/** `usage`: node-seconds and job-seconds over any window, grouped any way. */
export function usageCommand(cli: Cli): Command {
  return new Command('usage')
    .description('node-seconds used (or job-seconds waited or run), over any window, grouped any way')
    .addOption(
      new Option('--level <level>', 'what is summed over time').choices(USAGE_LEVELS).default('nodes'),
    )
    .option(
      '--by <what>',
      'group by tenant, user, queue, cluster, template, provider, hardware, image (comma-separated)',
    )
    .option('--start <time>', 'from this time on (default: the beginning)')
    .option('--end <time>', 'up to this time (default: now)')
    .addOption(new Option('--bucket <size>', 'split the window').choices(BUCKETS))
    .option('--tenant <tenant>', 'only this tenant (id, else name)')
    .option('--user <user>', 'only this user')
    .option('--queue <queue>', 'only this queue')
    .option('--cluster <cluster>', 'only this cluster')
    .option('--template <template>', 'only this cluster template')
    .option('--provider <provider>', 'only this provider')
    .option('--hardware <type>', 'only this hardware type')
    .option('--image <type>', 'only this image type')
    .option('--service <service>', 'only nodes that carry this service')
    .option('--as-of <when>', `what the ledger said then: ${AS_OF_FORMS}`)
    .option('--json', 'print JSON; amounts are exact decimal strings, in seconds')
    .addHelpText('after', HELP)
    .action(async (raw: RawUsageOptions & { json?: boolean; asOf?: string }) => {
      const query = checkUsageOptions(raw, cli.clock.now());
      await withServices(cli, async ({ pool, archive }) => {
        const { tenant, ...filters } = query.filters;
        const known = tenant === undefined ? {} : { tenant: (await findTenant(pool, tenant)).id };
        const asked = { ...query, filters: { ...filters, ...known } };
        const usages = new EstimatedUsageQueries(pool, new PastQueries(pool, archive));
        if (raw.asOf === undefined) {
          const answer = await usages.usage(localScope(), asked);
          if (raw.json) printUsageJson(cli.terminal, query, answer);
          else printUsage(cli.terminal, query, answer, await lagNote(pool, answer.position));
          return;
        }
        const at = { now: query.now, bounded: raw.end !== undefined };
        const { now, position } = await parseAsOf({ pool, archive }, raw.asOf, at);
        const answer = await usages.past(localScope(), { ...asked, now }, position);
        if (raw.json) printUsageJson(cli.terminal, query, answer);
        else printUsage(cli.terminal, query, answer);
      });
    });
}
