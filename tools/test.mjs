#!/usr/bin/env node
// quipu test [unit|int|e2e|crash ...] [jest arguments]: runs the projects (all of them when none is
// named) and ends with one line of real totals. Fails unless every test that ran passed, and some ran.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const PROJECTS = ['unit', 'int', 'e2e', 'crash'];
const root = dirname(import.meta.dirname);

const given = process.argv.slice(2);
if (given.includes('--help') || given.includes('-h')) {
  process.stdout.write(
    `Usage: quipu test [${PROJECTS.join('|')} ...] [file patterns and jest options]\n\n` +
      'Examples:\n  quipu test\n  quipu test unit\n  quipu test int libs/event-log\n  quipu test unit -t "counts every life"\n',
  );
  process.exit(0);
}
const named = given.filter((argument) => PROJECTS.includes(argument));
const others = given.filter((argument) => !PROJECTS.includes(argument));

const scratch = mkdtempSync(join(tmpdir(), 'quipu-test-'));
const report = join(scratch, 'report.json');
const child = spawn(
  process.execPath,
  [
    join(root, 'tools', 'jest.mjs'),
    ...others,
    ...['--selectProjects', ...(named.length > 0 ? named : PROJECTS)],
    // Most tests wait for stores: two at a time keep both cores of a small machine busy. In workers of their own, a
    // test that leaves a socket open cannot keep the whole run from ending.
    ...['--maxWorkers=2', '--json', `--outputFile=${report}`],
  ],
  // jest writes its JSON to standard output too, its progress to standard error.
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
const status = await new Promise((done) => child.on('exit', (code) => done(code ?? 1)));

const totals = { passed: 0, failed: 0, skipped: 0 };
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  totals.passed = result.numPassedTests;
  // A file that does not even load has no tests that could fail: it counts as one.
  totals.failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  totals.skipped = result.numPendingTests + result.numTodoTests;
} catch {
  process.stderr.write('quipu: jest ended without a report\n');
  totals.failed = 1;
}
rmSync(scratch, { recursive: true, force: true });

// The shared services of the tests stay up between runs of jest, not after this command.
spawnSync(
  process.execPath,
  ['--no-warnings', '--import', './tools/ts.mjs', 'test/support/stop-services.ts'],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
process.exit(status === 0 && totals.failed === 0 && totals.passed > 0 ? 0 : 1);
