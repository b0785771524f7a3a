/** What a {@link QuipuError} may carry besides its message. */
export interface QuipuErrorOptions {
  /** The error that led here, kept for logs. */
  readonly cause?: unknown;
  /** One sentence that tells the reader what to do about it. */
  readonly hint?: string;
}

/**
 * Base of every error that a caller can act on. `code` is a stable word for programs, `retryable` says
 * whether the same call can succeed later without anybody changing anything.
 */
export abstract class QuipuError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  hint?: string;

  constructor(message: string, options: QuipuErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    if (options.hint !== undefined) this.hint = options.hint;
  }
}

/** A configuration variable is missing or wrong; the message names variable, value and what is allowed. */
export class ConfigError extends QuipuError {
  readonly code = 'config';
  readonly retryable = false;
}

/** The command line was used wrongly (exit code 2). */
export class UsageError extends QuipuError {
  readonly code = 'usage';
  readonly retryable = false;
}

/** Postgres or Redis cannot be reached, or gave up in a way that passes by itself. */
export class StoreUnavailableError extends QuipuError {
  readonly code = 'store_unavailable';
  readonly retryable = true;
}

/** The checkpoint was moved by somebody else: this runner is a zombie, its transaction must roll back. */
export class CheckpointConflictError extends QuipuError {
  readonly code = 'checkpoint_conflict';
  readonly retryable = false;
}

/** A projection stands still at a poison event until an operator skips it by name. */
export class ProjectionHaltedError extends QuipuError {
  readonly code = 'projection_halted';
  readonly retryable = false;
}

/** The database lacks migrations that this program needs. */
export class SchemaOutdatedError extends QuipuError {
  readonly code = 'schema_outdated';
  readonly retryable = false;
}

/** A time, a range of times or a bucket size that cannot be answered. */
export class InvalidTimeRangeError extends QuipuError {
  readonly code = 'invalid_time_range';
  readonly retryable = false;
}

/** The caller's scope does not cover what was asked for. */
export class TenantForbiddenError extends QuipuError {
  readonly code = 'tenant_forbidden';
  readonly retryable = false;
}

/** An embedded service or a supervised process did not start; the message says why and what to do. */
export class ServiceStartError extends QuipuError {
  readonly code = 'service_start';
  readonly retryable = false;
}

/** Quipu runs already on this data directory; the message says where. */
export class AlreadyRunningError extends QuipuError {
  readonly code = 'already_running';
  readonly retryable = false;
}

/** The message of anything thrown, for logs and terminals. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    // Node reports a refused connection to a name with several addresses as an empty AggregateError.
    return error.errors.map(errorMessage).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
