import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { createRedis } from '@quipu/platform';
import { statusText } from '../status/print-status.js';
import { readStatus } from '../status/read-status.js';
import { type Cli } from '../support/cli.js';
import { LiveScreen } from '../support/live-screen.js';
import { openQueue } from '../support/queue.js';
import { withServices } from '../support/services.js';
import { printJson, printLine } from '../support/terminal.js';

const HELP = `
The lag is measured against the committed log: how many events the ledger has not taken in, and how long the
first of them has been waiting.

Examples:
  $ ./quipu status
  $ ./quipu status --watch
  $ ./quipu status --json
`;

const WATCH_EVERY_MS = 1_000;

/** `status`: log, ledger, queue, dead letters, and what is wrong. */
export function statusCommand(cli: Cli): Command {
  return new Command('status')
    .description('position, lag, queue, dead letters, and whether anything is wrong')
    .option('--watch', 'keep looking, once a second, until Ctrl-C')
    .option('--json', 'print JSON; with --watch one object to a line')
    .addHelpText('after', HELP)
    .action(async (options: { watch?: boolean; json?: boolean }) => {
      await withServices(cli, async (services) => {
        const queue = await openQueue(services);
        const redis = createRedis(services.redisUrl, 'plain', 'quipu-status');
        services.onClose(() => Promise.resolve(redis.disconnect()));
        const screen = new LiveScreen(cli.terminal);
        for (;;) {
          const now = cli.clock.now();
          const status = await readStatus(services, queue, redis);
          if (!options.watch) {
            if (options.json) printJson(cli.terminal, status);
            else printLine(cli.terminal, statusText(cli.terminal, status, now));
            return;
          }
          if (options.json) printLine(cli.terminal, JSON.stringify(status));
          else screen.draw(statusText(cli.terminal, status, now));
          await sleep(WATCH_EVERY_MS, undefined, { signal: cli.interrupted }).catch(() => undefined);
          if (cli.interrupted.aborted) return;
        }
      });
    });
}
