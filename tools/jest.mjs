#!/usr/bin/env node
// Runs jest with the flags that ES modules need; arguments are jest's own.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

const PROJECTS = ['unit', 'int', 'e2e', 'crash'];

/**
 * jest takes everything after --selectProjects for names of projects: a path there would select all tests
 * of all projects named, silently. Projects go last, what is not one goes before.
 */
function inOrder(given) {
  const at = given.indexOf('--selectProjects');
  if (at < 0) return given;
  let end = at + 1;
  while (end < given.length && !given[end].startsWith('-')) end += 1;
  const listed = given.slice(at + 1, end);
  return [
    ...listed.filter((argument) => !PROJECTS.includes(argument)),
    ...given.slice(0, at),
    ...given.slice(end),
    '--selectProjects',
    ...listed.filter((argument) => PROJECTS.includes(argument)),
  ];
}

/**
 * The environment without what configures Quipu and its stores, but for what tests themselves are told: a developer's own
 * settings must not reach the programs that tests start, which would work in his database.
 */
function cleaned(env) {
  const setting =
    /^(QUIPU_(?!(TEST|PROPERTY|CHAOS|REPORTER)_)|DATABASE_URL$|REDIS_URL$|HOST$|PORT$|PG[A-Z]+$)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !setting.test(name)));
}

const root = dirname(import.meta.dirname);
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const child = spawn(
  process.execPath,
  ['--no-warnings', '--experimental-vm-modules', jest, ...inOrder(process.argv.slice(2))],
  { cwd: root, stdio: 'inherit', env: cleaned(process.env) },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
