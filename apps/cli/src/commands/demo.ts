import { Command } from 'commander';
import { UsageError } from '@quipu/platform';
import { runDemo } from '../demo/run-demo.js';
import { drawUsage } from '../demo/draw.js';
import { type Cli } from '../support/cli.js';
import { secondsText } from '../support/numbers.js';
import { printVerifyReport } from '../support/print-verify.js';
import { withServices } from '../support/services.js';
import { note, printJson, printLine } from '../support/terminal.js';
import { parseDuration } from '../support/times.js';
import { failUnless, verifyLedger } from './verify.js';

const HELP = `
Three make-believe tenants send real events through the real queue: jobs that wait, run, fail, retry, get
blocked, delayed, aborted and removed; nodes that come and go. At the end everything is given back, and
verify recomputes every number. Their tenants are called demo-...; they stay in the ledger.

Examples:
  $ ./quipu demo
  $ ./quipu demo --for 30s --seed 7
`;

/** `demo`: a living platform for a minute. */
export function demoCommand(cli: Cli): Command {
  return new Command('demo')
    .description('keep a make-believe fleet of three tenants living for a while, and watch')
    .option('--for <time>', 'how long', '60s')
    .option('--seed <number>', 'the same number plays the same story', '1')
    .option('--json', 'print usage and verdict as JSON, and nothing meanwhile')
    .addHelpText('after', HELP)
    .action(async (options: { for: string; seed: string; json?: boolean }) => {
      const forMs = parseDuration(options.for);
      if (!/^\d{1,9}$/.test(options.seed)) {
        throw new UsageError(`--seed ${options.seed} is not allowed.`, { hint: 'It is a whole number.' });
      }
      const quiet = options.json ?? false;
      const report = await withServices(cli, async (services) => {
        const result = await runDemo(cli, services, { forMs, seed: Number(options.seed), quiet });
        if (!quiet) {
          printLine(cli.terminal, drawUsage(cli.terminal, result.usage, []));
          printLine(cli.terminal);
          note(cli.terminal, 'Everything was given back. Recomputing every number from the log …');
        }
        return { result, verdict: await verifyLedger(cli, services, quiet) };
      });
      const { result, verdict } = report;
      if (quiet) {
        printJson(cli.terminal, {
          source: result.source,
          events: result.outcome.added,
          usage: result.usage.rows.map((row) => ({
            tenant: row.group.tenant,
            nodeSeconds: secondsText(row.total),
          })),
          verify: verdict,
        });
      } else printVerifyReport(cli.terminal, verdict);
      failUnless(verdict);
    });
}
