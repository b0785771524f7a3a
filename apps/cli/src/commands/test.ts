import { Command } from 'commander';
import { UsageError } from '@quipu/platform';
import { type Cli } from '../support/cli.js';

const HELP = `
The front door ./quipu runs this one by itself, since it needs the sources and not the build.

Examples:
  $ ./quipu test
`;

/** `test`: listed for the help; the shell front door runs the tests before it comes to this program. */
export function testCommand(_cli: Cli): Command {
  return new Command('test')
    .description('run the tests of Quipu itself')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
    .action(() => {
      throw new UsageError('The tests are run by the front door.', {
        hint: 'Run ./quipu test in the repository.',
      });
    });
}
