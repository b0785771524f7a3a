import { constants } from 'node:os';

/** What has to be said before the process ends. */
export type Leave = () => Promise<unknown>;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Everything in this process that has something to say, and the one listener that sees to it. */
class Goodbyes {
  private readonly leaving = new Set<Leave>();
  private listening = false;

  add(leave: Leave): void {
    this.leaving.add(leave);
    this.listen();
  }

  remove(leave: Leave): void {
    this.leaving.delete(leave);
    if (this.leaving.size === 0) this.stop();
  }

  private listen(): void {
    if (this.listening || this.leaving.size === 0) return;
    this.listening = true;
    // First, so that those who count who else listens are asked after this one has made up its mind.
    for (const signal of SIGNALS) process.prependListener(signal, this.heard);
  }

  private stop(): void {
    this.listening = false;
    for (const signal of SIGNALS) process.removeListener(signal, this.heard);
  }

  private readonly heard = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1 + deferring()) {
      // Whoever else listens decides, and may wait until it is alone: this one out of the way, it is.
      this.stop();
      setImmediate(() => this.listen());
      return;
    }
    void Promise.allSettled([...this.leaving].map((leave) => leave())).then(() => {
      this.stop();
      endBy(signal);
    });
  };
}

/** Ends the process as a signal does that nobody listens for. */
function endBy(signal: NodeJS.Signals): void {
  // The first process of a container is spared by the kernel: it would go on, after it has said that it is gone.
  if (process.pid === 1) process.exit(128 + constants.signals[signal]);
  process.kill(process.pid, signal);
}

/** How many listeners of `signal-exit` there are: they do nothing until they are alone, and then end the process. */
function deferring(): number {
  const emitters: unknown[] = [
    Reflect.get(globalThis, Symbol.for('signal-exit emitter')),
    Reflect.get(process, '__signal_exit_emitter__'),
  ];
  let count = 0;
  for (const emitter of emitters) {
    const listeners = (emitter as { count?: unknown } | undefined)?.count;
    if (typeof listeners === 'number') count += listeners;
  }
  return count;
}

/** Copies of this module share one listener: each of two would take the other for the program's. */
const SHARED = Symbol.for('@quipu/reporter.goodbyes');

function goodbyes(): Pick<Goodbyes, 'add' | 'remove'> {
  const global = globalThis as { [SHARED]?: Pick<Goodbyes, 'add' | 'remove'> };
  return (global[SHARED] ??= new Goodbyes());
}

/**
 * Runs `leave` when SIGTERM or SIGINT ends this process, and lets it end then as it would have. A program that
 * listens for the signal itself decides what it means: then nothing happens here, and closing the worker says it.
 *
 * @returns stops listening.
 */
export function onSignal(leave: Leave): () => void {
  goodbyes().add(leave);
  return () => goodbyes().remove(leave);
}
