import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How a process ended: with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of ours under test. */
export interface Child {
  readonly pid: number;
  /** Resolves when the process is gone. */
  readonly exited: Promise<Exit>;
  /** How it ended; null while it lives. */
  readonly exit: () => Exit | null;
  /** What it wrote to standard output and standard error so far. */
  readonly output: () => string;
  signal(signal: NodeJS.Signals): void;
  /** Ends it politely, then by force, and waits until it is gone. */
  stop(): Promise<void>;
}

const living = new Set<ChildProcess>();
const POLITE_MS = 40_000;

/** Starts `node <script> <args>` with `env` over a clean environment, and remembers it for {@link killChildren}. */
export function startNode(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): Child {
  const child = spawn(process.execPath, ['--no-warnings', script, ...args], {
    cwd,
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  const chunks: string[] = [];
  let exit: Exit | null = null;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  }
  const exited = once(child, 'exit').then(([code, signal]) => {
    living.delete(child);
    exit = { code: code as number | null, signal: signal as NodeJS.Signals | null };
    return exit;
  });
  if (child.pid === undefined) throw new Error(`${script} could not be started.`);
  return {
    pid: child.pid,
    exited,
    exit: () => exit,
    output: () => chunks.join(''),
    signal: (signal) => child.kill(signal),
    async stop() {
      if (exit) return;
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), POLITE_MS);
      await exited;
      clearTimeout(force);
    },
  };
}

/** Kills every process that is still there, stopped ones too. For afterEach: a failed test leaves nothing behind. */
export async function killChildren(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      const gone = once(child, 'exit');
      if (child.kill('SIGKILL')) await gone;
    }),
  );
}

/** The environment without what configures Quipu: a developer's own settings must not reach the processes. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(QUIPU_|DATABASE_URL|REDIS_URL|PORT$|HOST$|NODE_OPTIONS|JEST_)/.test(name),
    ),
  );
}
