import { Command } from 'commander';
import { recordAudit } from '@quipu/access';
import { healTotals, writeDrift } from '@quipu/ledger';
import { createRedis } from '@quipu/platform';
import { type SeriesDrift } from '../reconcile/compare-totals.js';
import { type Reconciliation, reconcile } from '../reconcile/reconcile.js';
import { type Cli } from '../support/cli.js';
import { CheckFailedError } from '../support/exit-codes.js';
import { formatCount, plural } from '../support/numbers.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { type Services, withServices } from '../support/services.js';
import { renderTable } from '../support/table.js';
import { printJson, printLine } from '../support/terminal.js';

const HELP = `
Compares every running total and every member in Redis with Postgres, at a position where both stand, beside a running
system. Postgres is right: --heal loads the totals from it again. What the last comparison came to is shown by
\`./quipu status\`, and health says \`degraded\` while a drift is not healed.
Exit codes: 0 equal (or healed), 1 it could not be done, 2 wrong usage, 3 they differ, or Redis holds no totals.

Examples:
  $ ./quipu reconcile
  $ ./quipu reconcile --heal
  $ ./quipu reconcile --json
`;

/** How long Redis may take to come to the checkpoint; a projector reloads a wrong Redis within about a second. */
const WAIT_MS = 3_000;
const SHOWN = 20;

/** What `reconcile` answers; `drift` counts the series that differed at first. */
interface ReconcileReport extends Reconciliation {
  readonly drift: number;
  readonly healed: boolean;
}

/** `reconcile`: compares the totals in Redis with Postgres, and heals them. */
export function reconcileCommand(cli: Cli): Command {
  return new Command('reconcile')
    .description('compare the running totals in Redis with Postgres, and heal them')
    .option('--heal', 'load the totals from Postgres again if they differ')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: { heal?: boolean; json?: boolean }) => {
      const report = await withServices(cli, (services) => run(cli, services, options.heal ?? false));
      if (options.json) printJson(cli.terminal, report);
      else print(cli, report);
      if (report.state === 'equal' || report.healed) return;
      throw new CheckFailedError(
        report.state === 'drifted'
          ? `Redis and Postgres differ in ${plural(report.drift, 'series', 'series')}.`
          : `Nothing could be compared: ${report.reason ?? report.state}.`,
        {
          hint: options.heal
            ? 'Run it again, and keep this output.'
            : '`./quipu reconcile --heal` loads the totals again.',
        },
      );
    });
}

async function run(cli: Cli, services: Services, heal: boolean): Promise<ReconcileReport> {
  const { pool, redisUrl } = services;
  const redis = createRedis(redisUrl, 'plain', 'quipu-reconcile');
  services.onClose(() => Promise.resolve(redis.disconnect()));
  const first = await reconcile(pool, redis, WAIT_MS);
  let healed = false;
  if (heal && first.state !== 'equal' && first.state !== 'passed') {
    await healTotals({ redis, pool });
    healed = (await reconcile(pool, redis, WAIT_MS)).state === 'equal';
    const { state, position, drifts } = first;
    await recordAudit(pool, {
      ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'totals.healed' },
      detail: { state, position, drift: drifts.length, healed },
    });
  }
  const report = { ...first, drift: first.drifts.length, healed };
  if (healed || first.state === 'equal' || first.state === 'drifted') {
    await writeDrift(redis, {
      ...{ atMs: cli.clock.now(), position: first.position, drift: report.drift, healed },
    });
  }
  return report;
}

function print(cli: Cli, report: ReconcileReport): void {
  const { terminal } = cli;
  const { bold, green, red, yellow, dim } = terminal.colours;
  const where = `at position ${formatCount(BigInt(report.position))}`;
  const state = { equal: green, drifted: red, stale: yellow, unusable: yellow, passed: yellow }[report.state];
  const compared = report.reason ?? plural(report.series, 'series', 'series');
  printLine(terminal, `${bold('reconcile')}  ${state(report.state)} ${where}, ${compared}`);
  if (report.drifts.length > 0) {
    const columns = ['kind', 'family', 'tenant', 'series', 'Postgres', 'Redis'].map((title) => ({ title }));
    printLine(
      terminal,
      renderTable(terminal, columns, report.drifts.slice(0, SHOWN).map(cells), { indent: 2 }),
    );
    const more = report.drifts.length - SHOWN;
    if (more > 0) printLine(terminal, dim(`  and ${formatCount(more)} more (--json lists all)`));
  }
  if (report.healed) printLine(terminal, 'Healed: the totals were loaded from Postgres and are equal now.');
}

function cells({ kind, family, tenant, series, postgres, redis }: SeriesDrift): string[] {
  return [kind, family, tenant, series, postgres, redis];
}
