import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type Clock, createLogger, loadConfig } from '@quipu/platform';
import pc from 'picocolors';
import { type Cli } from '../../../apps/cli/src/support/cli.js';
import { runCli } from '../../../apps/cli/src/run-cli.js';

/** What one command line wrote, and how it ended. */
export interface CliRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** A command line on given services. */
export interface TestCli {
  readonly interrupt: AbortController;
  run(...args: string[]): Promise<CliRun>;
  /** Runs it with --json and parses the answer; throws what it said when it failed. */
  json(...args: string[]): Promise<ReturnType<typeof JSON.parse>>;
  close(): void;
}

class Capture extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/**
 * Makes command lines that work in this process, on the databases of a test; without a database's URL, on an embedded
 * Postgres that each command starts in `dataDir`.
 */
export function testCli(
  urls: { database?: string; redis: string },
  clock: Clock,
  dataDir: string = mkdtempSync(join(tmpdir(), 'quipu-cli-')),
): TestCli {
  const env = { DATABASE_URL: urls.database, REDIS_URL: urls.redis, QUIPU_DATA_DIR: dataDir };
  const interrupt = new AbortController();
  const run = async (...args: string[]): Promise<CliRun> => {
    const out = new Capture();
    const err = new Capture();
    const terminal = {
      out,
      err,
      colours: pc.createColors(false),
      outIsTty: false,
      errIsTty: false,
      columns: 100,
    };
    const cli: Cli = {
      ...{ terminal, env, clock, logger: createLogger('test', 'silent'), interrupted: interrupt.signal },
      config: () => loadConfig(env),
    };
    const exitCode = await runCli(cli, args);
    return { exitCode, out: out.text, err: err.text };
  };
  return {
    interrupt,
    run,
    json: async (...args) => {
      const { exitCode, out, err } = await run(...args, '--json');
      if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${err}`);
      return JSON.parse(out);
    },
    close: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}
