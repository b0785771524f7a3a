import { bootstrapSuperadmin } from '@quipu/access';
import { createPool, startServices } from '@quipu/platform';
import { Command } from 'commander';
import { migrate } from '@quipu/schema';
import { type Cli } from '../support/cli.js';
import { plural } from '../support/numbers.js';
import { printJson, printLine } from '../support/terminal.js';

const HELP = `
Everything happens in one transaction under a lock: two at once wait for each other, and a migration that
fails leaves nothing behind. \`start\` migrates by itself. With QUIPU_SUPERADMIN_KEY set, the superadmin has that
key afterwards: where nobody runs \`start\`, as in containers, this is how the first key comes to be.

Examples:
  $ ./quipu migrate
  $ DATABASE_URL=postgres://quipu@db/quipu ./quipu migrate
`;

/** `migrate`: brings the database's schema up to date. */
export function migrateCommand(cli: Cli): Command {
  return new Command('migrate')
    .description("bring the database's schema up to date")
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: { json?: boolean }) => {
      const services = await startServices(cli.config(), cli.logger);
      try {
        const config = cli.config();
        const ran = await migrate(services.databaseUrl, cli.logger);
        if (config.superadminKey !== undefined) await presetKey(services.databaseUrl, config.superadminKey);
        if (options.json) printJson(cli.terminal, { migrations: ran });
        else if (ran.length === 0) printLine(cli.terminal, 'The schema was up to date.');
        else {
          for (const name of ran) printLine(cli.terminal, `  ${name}`);
          printLine(cli.terminal, `${plural(ran.length, 'migration')} ran; the schema is up to date.`);
        }
      } finally {
        await services.stop();
      }
    });
}

async function presetKey(databaseUrl: string, key: string): Promise<void> {
  const pool = createPool(databaseUrl, { max: 1 });
  try {
    await bootstrapSuperadmin(pool, key);
  } finally {
    await pool.end();
  }
}
