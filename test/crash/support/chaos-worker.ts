import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repository } from '../../support/environment.js';
import { startNode, type Child } from './child-process.js';

const WORKER = join(repository, 'dist/apps/worker/src/main.js');
const PRELOAD = pathToFileURL(join(repository, 'test/fixtures/chaos/preload.mjs')).href;

const BOOTING_MS = 40_000;

/** What was done to one process of a worker, by the clock of the test (ms). */
export interface ProcessHistory {
  readonly worker: string;
  readonly child: Child;
  readonly startedMs: number;
  /** How much its clock is off, ms. */
  readonly clockMs: number;
  /** Ids of the events it sent; see {@link readRecord}. */
  readonly record: string;
  killedMs?: number;
  /** Told to end, and let go. */
  stoppedMs?: number;
  readonly frozen: { from: number; to: number }[];
}

/** What a worker under test is told. */
export interface ChaosWorkerOptions {
  readonly name: string;
  readonly queue: string;
  /** How much its clock is off, ms. */
  readonly clockMs: number;
  /** For its records. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A worker of the fleet as processes that come and go under one name. */
export class ChaosWorker {
  readonly processes: ProcessHistory[] = [];

  constructor(readonly options: ChaosWorkerOptions) {}

  /** The process that runs now, if any does. */
  get current(): ProcessHistory | undefined {
    const last = this.processes.at(-1);
    return last !== undefined && last.child.exit() === null && last.killedMs === undefined ? last : undefined;
  }

  start(): void {
    const { name, queue, clockMs, directory, env } = this.options;
    const record = join(directory, `${name}.${this.processes.length}.record`);
    const child = startNode(
      WORKER,
      [],
      {
        ...env,
        ...{ NODE_OPTIONS: `--import ${PRELOAD}`, CHAOS_CLOCK_MS: String(clockMs), CHAOS_RECORD: record },
        ...{ QUIPU_WORKER_NAME: name, QUIPU_WORKER_QUEUES: queue },
      },
      repository,
    );
    this.processes.push({ worker: name, child, startedMs: Date.now(), clockMs, record, frozen: [] });
  }

  async kill(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    current.killedMs = Date.now();
    current.child.signal('SIGKILL');
    await current.child.exited;
  }

  /** @returns thaws it. */
  freeze(): () => void {
    const { current } = this;
    if (current === undefined) return () => undefined;
    const frost = { from: Date.now(), to: Infinity };
    current.frozen.push(frost);
    current.child.signal('SIGSTOP');
    return () => {
      frost.to = Date.now();
      current.child.signal('SIGCONT');
    };
  }

  /** Ends it as one should, and says how that went. */
  async stop(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    current.stoppedMs = Date.now();
    current.child.signal('SIGTERM');
    const { code, signal } = await current.child.exited;
    // One that had only just been started did not know yet what the signal means.
    if (signal === 'SIGTERM' && current.stoppedMs - current.startedMs < BOOTING_MS) {
      current.killedMs = current.stoppedMs;
      return;
    }
    if (code !== 0) throw new Error(`${current.worker} ended with ${code}:\n${current.child.output()}`);
  }
}

/** Ids of events that were given to the queue, and of those that it has acknowledged. */
export interface SentEvents {
  readonly sent: Set<string>;
  readonly acknowledged: Set<string>;
}

/** Adds what a process wrote down. A line that it was killed in the middle of is no line. */
export function readRecord(file: string, into: SentEvents): void {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return; // it sent nothing
  }
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const [what, ...ids] = line.split(' ');
    for (const id of ids) {
      if (what === 'sent') into.sent.add(id);
      if (what === 'acknowledged') into.acknowledged.add(id);
    }
  }
}
