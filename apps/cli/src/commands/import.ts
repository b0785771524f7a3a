import { Command, Option } from 'commander';
import { isClean, printReport, printReportJson } from '../import/print-report.js';
import { checkImportOptions, type RawImportOptions, refuseSwfOnlyOptions } from '../import/options.js';
import { detectFormat } from '../import/open-source.js';
import { runImport } from '../import/run-import.js';
import { type Cli } from '../support/cli.js';
import { CommandFailedError, InterruptedError } from '../support/exit-codes.js';
import { TIME_FORMS } from '../support/times.js';
import { note } from '../support/terminal.js';

const HELP = `
A workload (swf) becomes the queued, started and ended events of its jobs: tenant g<group>, user u<user>,
queue q<queue>, cluster p<partition>, held nodes = allocated processors. Ids come from the file alone, so
importing it again, or a longer version of it, or after an interruption, adds only what is missing.

A TIME is ${TIME_FORMS}.

Examples:
  $ ./quipu import NASA-iPSC-1993-3.1-cln.swf.gz
  $ ./quipu import trace.swf.gz --tenant-by =acme --via log
  $ ./quipu import trace.swf.gz --ending now       # as if it were running at this moment
  $ ./quipu import events.ndjson.gz --json
`;

/** `import <file>`: puts a workload trace or a file of CloudEvents into the ledger. */
export function importCommand(cli: Cli): Command {
  return new Command('import')
    .description('put a workload trace or a file of CloudEvents into the ledger')
    .argument(
      '<file>',
      'the file, plain or gzipped; - is standard input, which like other pipes needs --format',
    )
    .option('--format <format>', 'swf or cloudevents (default: told by the file)')
    .option('--tenant-by <what>', 'group, user, queue, partition or =NAME (default: group)')
    .addOption(new Option('--via <way>', 'through the queue, or straight into the log').default('queue'))
    .option('--until <time>', 'leave out every step after this time')
    .option('--ending <time>', 'shift all times so that the latest submit falls on this time (usually now)')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', HELP)
    .action(async (file: string, raw: RawImportOptions & { json?: boolean }) => {
      const options = checkImportOptions(file, raw, cli.clock.now());
      const format = await detectFormat(file, options.format);
      if (format === 'cloudevents') refuseSwfOnlyOptions(raw);
      const report = await runImport(cli, { ...options, format }, raw.json ?? false);
      if (raw.json) printReportJson(cli.terminal, report);
      else printReport(cli.terminal, report);
      if (raw.ending !== undefined && !raw.json) {
        const fixed = new Date(options.endingMs ?? 0).toISOString().replace('.000Z', 'Z');
        note(cli.terminal, `To go on with this very import later: --ending ${fixed}`);
      }
      if (report.interrupted) throw new InterruptedError('Interrupted.');
      if (!isClean(report)) {
        throw new CommandFailedError(
          'Some events were not taken into the log; they are kept as dead letters.',
          {
            hint: 'See the reasons above; `./quipu status` counts all dead letters.',
          },
        );
      }
    });
}
