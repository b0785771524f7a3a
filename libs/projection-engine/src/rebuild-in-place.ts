import { type Clock, type IoSteps, type Logger, ProjectionHaltedError } from '@quipu/platform';
import { type PreparedBatch, type ProjectionHandler } from './handler.js';
import { type BatchLimits, type EventSourceLog } from './leadership.js';
import { ownProjection, vacuum, withMaintenanceClient } from './maintenance.js';
import { ProjectionRunner } from './projection-runner.js';

/** The part of the event log that a rebuild reads. */
export interface RebuildLog extends EventSourceLog {
  head(): Promise<{ position: bigint }>;
}

/** How far a rebuild is. */
export interface RebuildProgress {
  readonly position: bigint;
  /** Where the log ended when the rebuild began. */
  readonly head: bigint;
  /** Events folded by this process. */
  readonly events: number;
  /** Since the replay began. */
  readonly eventsPerSecond: number;
}

/** What {@link rebuildInPlace} needs. */
export interface RebuildOptions<B extends PreparedBatch> {
  readonly databaseUrl: string;
  readonly log: RebuildLog;
  readonly handler: ProjectionHandler<B>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly io?: IoSteps;
  readonly limits?: Partial<BatchLimits>;
  readonly progress?: (progress: RebuildProgress) => void;
  /** Ends the replay in good order; whoever runs the projection next goes on. */
  readonly signal?: AbortSignal;
}

const PROGRESS_MS = 250;

/**
 * Empties the projection's tables and replays the log into them. Tables and checkpoint go back to the beginning in one
 * transaction; from then on it is an ordinary projection that is behind, so a crash at any point loses nothing: any
 * runner goes on from the checkpoint. Readers see true numbers of ever later positions meanwhile.
 *
 * Returns when the projection has passed the end that the log had at the start. If another runner of the same code
 * is elected, that one replays, and this only watches.
 * @throws ProjectionHaltedError at a poison event; after a skip by name whoever runs the projection goes on.
 * @throws the reason of `signal` when that ended it.
 */
export async function rebuildInPlace<B extends PreparedBatch>(
  options: RebuildOptions<B>,
): Promise<RebuildProgress> {
  const { databaseUrl, log, handler } = options;
  const head = (await log.head()).position;
  await withMaintenanceClient(databaseUrl, async (client) => {
    await ownProjection(client, handler, async () => {
      await handler.truncate(client);
      return { position: 0n };
    });
    await vacuum(client, handler.tables);
  });
  const runner = new ProjectionRunner<B>(options);
  const started = performance.now();
  const progress = (): RebuildProgress => {
    const { position, events } = runner.state();
    const seconds = (performance.now() - started) / 1_000;
    return { position: position ?? 0n, head, events, eventsPerSecond: seconds > 0 ? events / seconds : 0 };
  };
  runner.start();
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      runner.whenPosition(head),
      new Promise<never>((_, reject) => {
        timer = setInterval(() => {
          options.progress?.(progress());
          if (options.signal?.aborted) reject(abortReason(options.signal));
          const { halted } = runner.state();
          if (halted !== null) {
            reject(
              new ProjectionHaltedError(`Halted at position ${halted.position}: ${halted.error}`, {
                hint: 'Skip the event by name, and the replay goes on.',
              }),
            );
          }
        }, PROGRESS_MS);
      }),
    ]);
    const done = progress();
    options.progress?.(done);
    return done;
  } finally {
    clearInterval(timer);
    await runner.stop();
  }
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error
    ? signal.reason
    : new DOMException(String(signal.reason), 'AbortError');
}
