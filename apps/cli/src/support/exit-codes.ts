import { CommanderError } from 'commander';
import { ConfigError, InvalidTimeRangeError, QuipuError, UsageError } from '@quipu/platform';

/** What the process's exit code tells a script. */
export const EXIT = { ok: 0, error: 1, usage: 2, checkFailed: 3, interrupted: 130 } as const;

/** A check ran and its answer is no (exit code 3), for instance `verify` found differences. */
export class CheckFailedError extends QuipuError {
  readonly code = 'check_failed';
  readonly retryable = false;
}

/** The command did its work and something went wrong on the way (exit code 1). */
export class CommandFailedError extends QuipuError {
  readonly code = 'command_failed';
  readonly retryable = false;
}

/** Ctrl-C ended the command in good order (exit code 130, as shells have it); the command has said so. */
export class InterruptedError extends QuipuError {
  readonly code = 'interrupted';
  readonly retryable = true;
}

/** Exit code for anything a command may throw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof CheckFailedError) return EXIT.checkFailed;
  const misused = [UsageError, ConfigError, InvalidTimeRangeError];
  if (misused.some((kind) => error instanceof kind)) return EXIT.usage;
  return EXIT.error;
}
