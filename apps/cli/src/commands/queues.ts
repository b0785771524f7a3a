import { Command } from 'commander';
import { type DepthAnswer, PastQueries, QueueQueries } from '@quipu/read-models';
import { queueJson } from '../fleet/fleet-texts.js';
import { queueTable } from '../fleet/queue-table.js';
import { AS_OF_FORMS, parseAsOf } from '../support/as-of.js';
import { type Cli } from '../support/cli.js';
import { depthTable, openDepth } from '../support/depth.js';
import { findTenant } from '../support/find-tenant.js';
import { lagNote } from '../support/lag-note.js';
import { localScope } from '../support/scope.js';
import { withServices } from '../support/services.js';
import { printJson, printLine } from '../support/terminal.js';
import { formatTime } from '../support/times.js';

const HELP = `
queued: due, not blocked, held by nobody. delayed and blocked are counted apart. in progress: assigned or
started, not ended. in and out: jobs that began and ceased to wait, per minute over five minutes. Waits and runs are
means over 15 minutes. workers: those that are able to serve the queue, as far as can be seen: in touch, and holding
a job of it or of a pool that took one within 15 minutes.

Examples:
  $ ./quipu queues
  $ ./quipu queues --tenant acme --json
`;

/** `queues`: how many jobs wait and run, come and go, per tenant and queue, now. */
export function queuesCommand(cli: Cli): Command {
  return new Command('queues')
    .description('jobs queued, delayed, blocked and in progress, per tenant and queue, now')
    .option('--tenant <tenant>', 'only this tenant (id, else name)')
    .option('--queue <queue>', 'only this queue')
    .option('--as-of <when>', `what the ledger said then: ${AS_OF_FORMS}`)
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: { tenant?: string; queue?: string; asOf?: string; json?: boolean }) => {
      await withServices(cli, async (services) => {
        const { pool } = services;
        const { asOf } = options;
        const at = { now: cli.clock.now(), bounded: false };
        const past = asOf === undefined ? null : await parseAsOf(services, asOf, at);
        const now = past?.now ?? at.now;
        const tenant = options.tenant === undefined ? undefined : (await findTenant(pool, options.tenant)).id;
        const filters = {
          ...(tenant === undefined ? {} : { tenant }),
          ...(options.queue === undefined ? {} : { queue: options.queue }),
        };
        const present =
          past === null
            ? await new QueueQueries(pool, openDepth(services)).queues(localScope(), now, filters)
            : null;
        const answer: DepthAnswer =
          present ??
          (await new PastQueries(pool, services.archive).depth(
            ...([localScope(), now, filters, past?.position ?? 0n] as const),
          ));
        if (options.json) {
          printJson(cli.terminal, {
            asOf: new Date(answer.asOf).toISOString(),
            position: String(answer.position),
            source: answer.source,
            ...(present === null ? {} : { sampled: present.sampled, reachMs: present.reachMs }),
            rows: present?.rows.map(queueJson) ?? answer.rows,
          });
          return;
        }
        const { dim, yellow } = cli.terminal.colours;
        printLine(cli.terminal, dim(`jobs at ${formatTime(Math.floor(now / 1000) * 1000)}`));
        printLine(cli.terminal);
        const table =
          present === null
            ? depthTable(cli.terminal, answer.rows)
            : queueTable(cli.terminal, present.rows, {
                width: cli.terminal.outIsTty ? cli.terminal.columns : Infinity,
              });
        printLine(cli.terminal, answer.rows.length === 0 ? '  none' : table);
        const behind = past !== null ? undefined : await lagNote(pool, answer.position);
        if (behind !== undefined) printLine(cli.terminal, `\n${yellow(behind)}`);
      });
    });
}
