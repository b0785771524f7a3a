#!/usr/bin/env node
import { processCli } from './support/cli.js';
import { runCli } from './run-cli.js';

const cli = processCli();
const exitCode = await runCli(cli, process.argv.slice(2));
// Whatever a library keeps open (a timer, a socket) must not keep a finished command alive; what was
// written to a pipe must arrive first.
process.stdout.write('', () => process.exit(exitCode));
