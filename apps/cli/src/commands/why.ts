import { Command } from 'commander';
import { TIME_FORMS } from '@quipu/platform';
import { MEASURE_NAMES, measureKind, WhyQueries, type WhyQuery } from '@quipu/read-models';
import { AS_OF_FORMS, parseAsOf } from '../support/as-of.js';
import { type Cli } from '../support/cli.js';
import { InterruptedError } from '../support/exit-codes.js';
import { findTenant } from '../support/find-tenant.js';
import { lagNote } from '../support/lag-note.js';
import { formatCount, formatSeconds, plural } from '../support/numbers.js';
import { localScope } from '../support/scope.js';
import { withServices } from '../support/services.js';
import { note, printJson, printLine } from '../support/terminal.js';
import { exportWhy } from '../why/export-why.js';
import { printWhy, printWhyJson } from '../why/print-why.js';
import { checkWhyOptions, type RawWhyOptions } from '../why/why-options.js';

const HELP = `
Lists the entities and intervals that add up to a number, largest first; their sum is exactly what usage and
queues say. MEASURE is one of
  node_seconds, waiting_seconds, running_seconds   over --start and --end
  nodes, running                                   at an instant
  queued, delayed, blocked, in_progress            now, as queues counts them

--export writes the number with every event behind it and the digests of the appends they came in;
tools/check.mjs, which needs nothing but Node, computes the number again from that file.

A TIME is ${TIME_FORMS}.

Examples:
  $ ./quipu why node_seconds --tenant acme --user george --start 2026-10-01 --end 2026-11-01
  $ ./quipu why queued --tenant acme --events
  $ ./quipu why node_seconds --tenant acme --end 2026-11-01 --as-of 2026-11-02
  $ ./quipu why node_seconds --tenant acme --start 2026-10-01 --end 2026-11-01 --export october.ndjson
  $ node tools/check.mjs october.ndjson
`;

/** `why`: the entities, intervals and events that add up to a number. */
export function whyCommand(cli: Cli): Command {
  return new Command('why')
    .description('the entities, intervals and events that add up to a number')
    .argument('<measure>', MEASURE_NAMES.join(', '))
    .option('--start <time>', 'from this time on (default: the beginning)')
    .option('--end <time>', 'up to this time (default: now)')
    .option('--at <time>', 'nodes and running: at this time (default: now)')
    .option('--as-of <when>', `what the ledger said then: ${AS_OF_FORMS}`)
    .option('--tenant <tenant>', 'only this tenant (id, else name)')
    .option('--user <user>', 'only this user')
    .option('--queue <queue>', 'only this queue')
    .option('--cluster <cluster>', 'only this cluster')
    .option('--template <template>', 'only this cluster template')
    .option('--provider <provider>', 'only this provider')
    .option('--hardware <type>', 'only this hardware type')
    .option('--image <type>', 'only this image type')
    .option('--service <service>', 'only nodes that carry this service')
    .option('--limit <n>', 'show so many intervals', '20')
    .option('--events', 'show the events behind each interval, and their positions')
    .option('--export <file>', 'write events, intervals and digests to a file that tools/check.mjs checks')
    .option('--json', 'print JSON; amounts are exact decimal strings')
    .addHelpText('after', HELP)
    .action(async (measure: string, raw: RawWhyOptions) => {
      const checked = checkWhyOptions(measure, raw, cli.clock.now());
      await withServices(cli, async (services) => {
        const { pool, archive } = services;
        const { tenant, ...filters } = checked.filters;
        const known = tenant === undefined ? {} : { tenant: (await findTenant(pool, tenant)).id };
        const bounded = raw.end !== undefined || raw.at !== undefined;
        const past =
          raw.asOf === undefined ? {} : await parseAsOf(services, raw.asOf, { now: checked.now, bounded });
        const query: WhyQuery = { ...checked, ...past, filters: { ...filters, ...known } };
        if (raw.export !== undefined) return exportTo(cli, services, query, raw.export, raw.json ?? false);
        const answer = await new WhyQueries(pool, archive).why(localScope(), query);
        if (raw.json) return printWhyJson(cli.terminal, answer);
        const behind = raw.asOf === undefined ? await lagNote(pool, answer.position) : undefined;
        printWhy(cli.terminal, answer, behind);
      });
    });
}

async function exportTo(
  cli: Cli,
  services: Parameters<typeof exportWhy>[0],
  query: WhyQuery,
  file: string,
  json: boolean,
): Promise<void> {
  const exported = await exportWhy(services, query, file, cli.interrupted).catch((error: unknown) => {
    if (!cli.interrupted.aborted) throw error;
    note(cli.terminal, 'Interrupted. No file was written.');
    throw new InterruptedError('Interrupted.');
  });
  if (json) return printJson(cli.terminal, { file, ...exported });
  const { total, entities, intervals, events, batches, head } = exported;
  const number = measureKind(query.measure).kind === 'integral' ? formatSeconds(total) : formatCount(total);
  const { bold, dim } = cli.terminal.colours;
  printLine(cli.terminal, `${bold(`${query.measure} = ${number}`)} written to ${file}`);
  printLine(
    cli.terminal,
    dim(
      `${plural(intervals, 'interval')} of ${plural(entities, 'entity', 'entities')}, ${plural(events, 'event')} from ${plural(batches, 'append')}; head of the log ${head.digest}`,
    ),
  );
  printLine(cli.terminal, `Check it: node tools/check.mjs ${file}`);
}
