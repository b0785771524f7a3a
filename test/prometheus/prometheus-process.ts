import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPackage } from './debian-package.js';
import { deployDir } from './deployed.js';

/** Prometheus and its tool, as Debian packages them. */
export interface PrometheusBinaries {
  readonly prometheus: string;
  readonly promtool: string;
}

/** Where they are, or why they are not. */
export function prometheusBinaries(): PrometheusBinaries | { readonly missing: string } {
  const unpacked = debianPackage('prometheus');
  if ('missing' in unpacked) return unpacked;
  const [prometheus, promtool] = ['prometheus', 'promtool'].map((name) =>
    join(unpacked.root, 'usr/bin', name),
  );
  const version = spawnSync(promtool!, ['--version'], { encoding: 'utf8' });
  if (version.status !== 0) return { missing: 'the packaged promtool does not run here' };
  return { prometheus: prometheus!, promtool: promtool! };
}

/** Runs promtool; what it printed, on both channels, and how it ended. */
export function runPromtool(
  { promtool }: PrometheusBinaries,
  args: readonly string[],
  input = '',
): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(promtool, args, { input, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** One series of an answer: labels, and its value as text. */
export interface QueriedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

/** A rule as Prometheus loaded it. */
export interface LoadedRule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
  readonly type: 'alerting' | 'recording';
}

/** A Prometheus that runs. */
export interface RunningPrometheus {
  /** Evaluates an expression now. @throws when Prometheus does not understand it. */
  query(expression: string): Promise<readonly QueriedSeries[]>;
  rules(): Promise<readonly LoadedRule[]>;
  stop(): Promise<void>;
}

/**
 * Starts Prometheus with the configuration and rules that are deployed, looking every other second, at an API that
 * listens elsewhere.
 */
export async function startPrometheus(
  binaries: PrometheusBinaries,
  api: { readonly host: string; readonly token: string },
): Promise<RunningPrometheus> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOn(await freePort(), binaries, api);
    } catch (error) {
      // Somebody else may have taken the port that was free a moment ago.
      if (tries === MOST_STARTS || !/address already in use/.test(String(error))) throw error;
    }
  }
}

const MOST_STARTS = 5;
/** How long Prometheus may take until it answers, ms. */
const PATIENCE_MS = 60_000;

async function startOn(
  port: number,
  { prometheus }: PrometheusBinaries,
  api: { readonly host: string; readonly token: string },
): Promise<RunningPrometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'quipu-prometheus-'));
  writeFileSync(join(directory, 'token'), api.token);
  const deployed = readFileSync(join(deployDir, 'prometheus', 'prometheus.yml'), 'utf8');
  const config = deployed
    .replaceAll('api:8080', api.host)
    .replaceAll('localhost:9090', `127.0.0.1:${port}`)
    .replaceAll('/run/secrets/quipu_metrics_token', join(directory, 'token'))
    .replaceAll('rules/*.yml', join(deployDir, 'prometheus', 'rules', '*.yml'))
    .replace(/_interval: 15s/g, '_interval: 2s')
    .replace('scrape_timeout: 10s', 'scrape_timeout: 2s');
  writeFileSync(join(directory, 'prometheus.yml'), config);
  const child = spawn(
    prometheus,
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  const ask = async (path: string, body?: URLSearchParams): Promise<unknown> => {
    const answer = await fetch(
      `http://127.0.0.1:${port}${path}`,
      body === undefined ? {} : { method: 'POST', body },
    );
    const { data, error } = (await answer.json()) as { data?: unknown; error?: string };
    if (error !== undefined) throw new Error(error);
    return data;
  };
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    const ready = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => null);
    // One that has ended is not the one that answers.
    if (child.exitCode === null && ready?.ok === true) break;
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`Prometheus did not start: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    async query(expression) {
      const data = (await ask('/api/v1/query', new URLSearchParams({ query: expression }))) as {
        resultType: string;
        result: readonly QueriedSeries[] | readonly [number, string];
      };
      if (data.resultType === 'vector') return data.result as readonly QueriedSeries[];
      return [{ metric: {}, value: data.result as readonly [number, string] }];
    },
    async rules() {
      const { groups } = (await ask('/api/v1/rules')) as {
        groups: readonly { rules: readonly LoadedRule[] }[];
      };
      return groups.flatMap(({ rules }) => rules);
    },
    stop,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}
