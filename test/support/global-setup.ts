import { execFileSync } from 'node:child_process';

/**
 * Starts the shared services and migrates the template in a process of its own: jest's module mapping does
 * not apply to this file, so it could not import the libraries.
 */
export default function globalSetup(): void {
  const output = execFileSync(
    process.execPath,
    ['--no-warnings', '--import', './tools/ts.mjs', 'test/support/prepare-services.ts', String(process.pid)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  Object.assign(process.env, JSON.parse(output));
}
