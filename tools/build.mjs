#!/usr/bin/env node
// Builds every app and library into a fresh directory and puts it in the place of dist, so that a build
// that fails or is killed never leaves a half-built dist. Types are checked by `npm run typecheck`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const fresh = join(root, `dist.${process.pid}.new`);
const old = join(root, `dist.${process.pid}.old`);
const tsconfigName = `tsconfig.${process.pid}.build.json`;
const tsconfig = join(root, tsconfigName);

function cleanUp() {
  for (const path of [fresh, old, tsconfig]) rmSync(path, { recursive: true, force: true });
}

/** What builds that were killed left behind. */
function removeLeftovers() {
  for (const name of readdirSync(root)) {
    const pid = /^(?:dist|tsconfig)\.(\d+)\.(?:new|old|build\.json)$/.exec(name)?.[1];
    if (!pid) continue;
    try {
      process.kill(Number(pid), 0);
    } catch {
      rmSync(join(root, name), { recursive: true, force: true });
    }
  }
}

process.on('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
removeLeftovers();

// nest takes the output directory from the tsconfig alone, and swc ignores what the tsconfig excludes.
writeFileSync(
  tsconfig,
  JSON.stringify({
    extends: './tsconfig.json',
    compilerOptions: { outDir: fresh },
    include: ['apps/*/src/**/*', 'libs/*/src/**/*'],
    exclude: ['**/*.spec.ts'],
  }),
);
mkdirSync(fresh);
const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
const result = spawnSync(
  process.execPath,
  ['--no-warnings', nest, 'build', '--all', '--path', tsconfigName, '--no-type-check'],
  { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
);
if (result.status !== 0) {
  process.stderr.write(`${result.stdout}${result.stderr}`);
  process.exit(result.status ?? 1);
}
if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
renameSync(fresh, join(root, 'dist'));
