import { Command } from 'commander';
import { createRedis } from '@quipu/platform';
import { type Cli } from '../support/cli.js';
import { CheckFailedError } from '../support/exit-codes.js';
import { plural } from '../support/numbers.js';
import { ledgerStates } from '../support/ledger-states.js';
import { createProgress } from '../support/progress.js';
import { type Services, withServices } from '../support/services.js';
import { printJson } from '../support/terminal.js';
import { type VerifyReport } from '../verify/report.js';
import { runVerify } from '../verify/run-verify.js';
import { printVerifyReport } from '../support/print-verify.js';

const HELP = `
Folds the whole log by itself, with code that shares nothing with the ledger's, and compares every summary,
member and Redis total with the result, and what the stored states of the entities come to; checks the digest
chain and the identities, and that the slots of workers were busy, idle or offline for exactly as long as they
were registered. Works beside a running system.
Exits with 3 if there is any difference.

Examples:
  $ ./quipu verify
  $ ./quipu verify --json
  $ ./quipu verify --export log-copy.ndjson.gz
`;

const PHASES = {
  archives: 'reading archives',
  snapshot: 'copying',
  chain: 'checking digests',
  fold: 'folding',
  compare: 'comparing',
} as const;

/** `verify`: recomputes every number from the log and compares. */
export function verifyCommand(cli: Cli): Command {
  return new Command('verify')
    .description('recompute every number from the log, independently, and compare')
    .option('--export <file>', 'also write a copy of the log with its digests')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', HELP)
    .action(async (options: { export?: string; json?: boolean }) => {
      const report = await withServices(cli, (services) =>
        verifyLedger(cli, services, options.json ?? false, options.export),
      );
      if (options.json) printJson(cli.terminal, report);
      else printVerifyReport(cli.terminal, report);
      failUnless(report);
    });
}

/** Runs verify on the services of a command, with progress on stderr. */
export async function verifyLedger(
  cli: Cli,
  services: Services,
  quiet: boolean,
  exportFile?: string,
): Promise<VerifyReport> {
  const redis = createRedis(services.redisUrl, 'plain', 'quipu-verify');
  services.onClose(() => Promise.resolve(redis.disconnect()));
  const { jobWaitBuckets: wait, jobRunBuckets: run } = cli.config();
  let phase = '';
  let progress = createProgress(cli.terminal, { label: PHASES.snapshot, unit: 'events', silent: true });
  try {
    return await runVerify({
      ...{ pool: services.pool, archive: services.archive, redis, clock: cli.clock, log: cli.logger },
      ...(exportFile === undefined ? {} : { exportFile }),
      states: ledgerStates(),
      jobBounds: { ...(wait === undefined ? {} : { wait }), ...(run === undefined ? {} : { run }) },
      progress: (state) => {
        if (state.phase !== phase) {
          progress.stop();
          phase = state.phase;
          const unit = state.phase === 'compare' ? 'rows' : 'events';
          progress = createProgress(cli.terminal, {
            label: PHASES[state.phase],
            total: state.total,
            unit,
            silent: quiet,
          });
        }
        progress.update(state.done, state.done);
      },
    });
  } finally {
    progress.stop();
  }
}

/** Throws what makes the command exit with 3 when verify found differences. */
export function failUnless(report: VerifyReport): void {
  if (report.ok) return;
  throw new CheckFailedError(`verify found ${plural(report.differences, 'difference')}.`, {
    hint: 'The log is the truth: rebuilding the ledger from it mends the summaries. Keep this output for the cause.',
  });
}
