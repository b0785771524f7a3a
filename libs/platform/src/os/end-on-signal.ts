import { type Logger } from '../logger.js';

/** What {@link endOnSignal} needs. */
export interface EndOptions {
  readonly logger: Logger;
  /** Whoever supervises this process kills it after so long. */
  readonly graceMs: number;
  /** Takes no more work, finishes what is under way and closes every connection. */
  readonly close: () => Promise<unknown>;
}

/** Part of the grace that the work may take, so that this process tells of being late before it is killed. */
const SHARE = 0.9;

/**
 * Ends this process on SIGTERM or SIGINT: with code 0 when everything was finished and closed, with 1 when that failed
 * or took too long. Another signal meanwhile changes nothing.
 */
export function endOnSignal({ logger, graceMs, close }: EndOptions): void {
  let ending = false;
  const end = (signal: NodeJS.Signals): void => {
    if (ending) return;
    ending = true;
    logger.info({ signal }, 'ending');
    setTimeout(() => {
      logger.error(
        { graceMs },
        'work did not end in time and is left; nothing that was acknowledged is lost',
      );
      process.exit(1);
    }, graceMs * SHARE);
    close().then(
      () => {
        logger.info('ended');
        process.exit(0);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'ending failed');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
}
