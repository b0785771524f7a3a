import { Command, Option } from 'commander';
import { UsageError } from '@quipu/platform';
import { BENCHES, type BenchName, verdictOf } from '../bench/bench-row.js';
import { printBench, printBenchJson } from '../bench/print-bench.js';
import { runBench } from '../bench/run-bench.js';
import { type Cli } from '../support/cli.js';
import { CheckFailedError } from '../support/exit-codes.js';
import { plural } from '../support/numbers.js';
import { withServices } from '../support/services.js';
import { note } from '../support/terminal.js';

const HELP = `
Measures on databases of its own, which are created beside the live one and dropped afterwards; ours and the
reference are always measured in the same run. Takes several minutes at scale 1. Exits with 3 if a floor is
missed. The numbers mean little while something else keeps the machine busy.

The archive is measured beside the real Gnocchi where gnocchi-upgrade, gnocchi-metricd and uwsgi_python3 are on the
PATH; where they are not, its published figures stand in the table.

Examples:
  $ ./quipu bench
  $ ./quipu bench --only import
  $ ./quipu bench --scale 0.1 --json
`;

const NAMES = BENCHES.filter((name) => name !== 'memory');

/** `bench`: measures against references in one run. */
export function benchCommand(cli: Cli): Command {
  return new Command('bench')
    .description(
      'measure: import, drain, http, usage, why, rebuild, restore, latency, scrape, archive, reporter, memory; against references',
    )
    .addOption(new Option('--only <name>', 'just this one').choices(NAMES))
    .option('--scale <factor>', 'factor on all sizes, 0.001 to 10', '1')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: { only?: BenchName; scale: string; json?: boolean }) => {
      const scale = Number(options.scale);
      if (!(scale >= 0.001 && scale <= 10)) {
        throw new UsageError(`--scale ${options.scale} is not allowed.`, {
          hint: 'It is a number from 0.001 to 10.',
        });
      }
      const rows = await withServices(cli, (services) => {
        const say = (what: string): void => note(cli.terminal, `· ${what}`);
        return runBench({ cli, services, scale, say, memory: { peakBytes: 0 } }, options.only);
      });
      if (options.json) printBenchJson(cli.terminal, rows, scale);
      else printBench(cli.terminal, rows, scale);
      const missed = rows.filter((row) => verdictOf(row) === false).length;
      if (missed > 0) throw new CheckFailedError(`${plural(missed, 'floor')} missed.`);
    });
}
