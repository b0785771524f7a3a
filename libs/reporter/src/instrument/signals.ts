/** What has to be said before the process ends. */
export type Leave = () => Promise<unknown>;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const leaving = new Set<Leave>();
let listening = false;

/**
 * Runs `leave` when SIGTERM or SIGINT ends this process, and lets it end then as it would have. A program that
 * listens for the signal itself decides what it means: then nothing happens here, and closing the worker says it.
 *
 * @returns stops listening.
 */
export function onSignal(leave: Leave): () => void {
  leaving.add(leave);
  if (!listening) for (const signal of SIGNALS) process.on(signal, heard);
  listening = true;
  return () => {
    leaving.delete(leave);
    if (leaving.size === 0) stop();
  };
}

function stop(): void {
  for (const signal of SIGNALS) process.removeListener(signal, heard);
  listening = false;
}

function heard(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  void Promise.allSettled([...leaving].map((leave) => leave())).then(() => {
    stop();
    process.kill(process.pid, signal);
  });
}
