import { Command } from 'commander';
import { UsageError } from '@quipu/platform';
import { type DemoResult, runDemo } from '../demo/run-demo.js';
import { drawUsage } from '../demo/draw.js';
import { type Cli } from '../support/cli.js';
import { formatCount, secondsText } from '../support/numbers.js';
import { printVerifyReport } from '../support/print-verify.js';
import { withServices } from '../support/services.js';
import { note, printJson, printLine } from '../support/terminal.js';
import { parseDuration } from '../support/times.js';
import { failUnless, verifyLedger } from './verify.js';

const HELP = `
Three tenants let real worker processes work on small files: checksums, compression and archives, on BullMQ queues of
their own. Their jobs wait, run, fail, retry, get blocked, delayed and removed; workers are killed, frozen and
restarted meanwhile; nodes come and go with them. At the end everything is given back, and verify recomputes every
number. Their tenants are called demo-...; they stay in the ledger.

Examples:
  $ ./quipu demo
  $ ./quipu demo --for 30s --seed 7
`;

/** `demo`: a living platform for a minute. */
export function demoCommand(cli: Cli): Command {
  return new Command('demo')
    .description('keep the workers of three tenants busy for a while, kill some, and watch')
    .option('--for <time>', 'how long', '60s')
    .option('--seed <number>', 'the same number plans the same story', '1')
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
          note(
            cli.terminal,
            `${story(result)} Everything was given back. Recomputing every number from the log …`,
          );
        }
        return { result, verdict: await verifyLedger(cli, services, quiet) };
      });
      const { result, verdict } = report;
      if (quiet) {
        printJson(cli.terminal, {
          source: result.source,
          events: Number(result.events),
          artifacts: result.artifacts,
          workers: result.incidents,
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

function story({ artifacts, incidents: { killed, frozen, restarted } }: DemoResult): string {
  const workers = `workers killed: ${killed}, frozen: ${frozen}, restarted: ${restarted}`;
  return `Artifacts made: ${formatCount(artifacts)}; ${workers}.`;
}
