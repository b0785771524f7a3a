import { Command } from 'commander';
import { VERSION } from '@quipu/platform';
import { archiveCommand } from './commands/archive.js';
import { backupCommand } from './commands/backup.js';
import { benchCommand } from './commands/bench.js';
import { deadLettersCommand } from './commands/dead-letters.js';
import { demoCommand } from './commands/demo.js';
import { importCommand } from './commands/import.js';
import { keysCommand } from './commands/keys.js';
import { migrateCommand } from './commands/migrate.js';
import { projectionsCommand } from './commands/projections.js';
import { queuesCommand } from './commands/queues.js';
import { reconcileCommand } from './commands/reconcile.js';
import { restoreCommand } from './commands/restore.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { stopCommand } from './commands/stop.js';
import { tenantsCommand } from './commands/tenants.js';
import { testCommand } from './commands/test.js';
import { topCommand } from './commands/top.js';
import { usageCommand } from './commands/usage.js';
import { verifyCommand } from './commands/verify.js';
import { whyCommand } from './commands/why.js';
import { workersCommand } from './commands/workers.js';
import { type Cli } from './support/cli.js';

const HELP = `
Every command takes --help (with examples); those that answer questions take --json. Local commands need no
key. Exit codes: 0 ok, 1 error, 2 wrong usage, 3 a check failed.

First steps:
  $ ./quipu start --detach
  $ ./quipu demo --for 30s
  $ ./quipu usage --by tenant,user
`;

const GROUPS: readonly (readonly [string, readonly ((cli: Cli) => Command)[]])[] = [
  ['Running:', [startCommand, stopCommand, statusCommand, migrateCommand, testCommand]],
  ['Events in:', [importCommand, demoCommand]],
  ['Numbers out:', [queuesCommand, workersCommand, usageCommand, whyCommand, topCommand]],
  ['Trust:', [verifyCommand, reconcileCommand, benchCommand]],
  ['Repair:', [deadLettersCommand, projectionsCommand, backupCommand, restoreCommand, archiveCommand]],
  ['Access:', [tenantsCommand, keysCommand]],
];

/** The whole command line, ready to parse. */
export function buildProgram(cli: Cli): Command {
  const program = new Command('quipu')
    .description('The ledger of a job platform: what is queued, running and used, per tenant, exactly.')
    .version(VERSION, '--version', 'tell the version')
    .helpCommand(false)
    .showHelpAfterError('Run it with --help to see what it takes.')
    .addHelpText('after', HELP);
  for (const [title, commands] of GROUPS) {
    program.commandsGroup(title);
    for (const make of commands) program.addCommand(make(cli));
  }
  settle(program, cli);
  return program;
}

/** Every command writes where the program writes, and throws instead of ending the process. */
function settle(command: Command, cli: Cli): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void cli.terminal.out.write(text),
    writeErr: (text) => void cli.terminal.err.write(text),
  });
  if (command.parent) command.copyInheritedSettings(command.parent);
  for (const child of command.commands) settle(child, cli);
}
