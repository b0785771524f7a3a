import { QuipuError, classifyPgError } from '@quipu/platform';

/** An event that the projection's own code could not fold: poison until the code is mended or it is skipped. */
export class FoldError extends QuipuError {
  readonly code = 'fold';
  readonly retryable = false;
}

/** The stored projection was made by other code; running would subtract what was never added. */
export class CodeMismatchError extends QuipuError {
  readonly code = 'projection_code_mismatch';
  readonly retryable = false;
}

/** There is no live projection of that name and version in this database. */
export class ProjectionMissingError extends QuipuError {
  readonly code = 'projection_missing';
  readonly retryable = false;
}

/**
 * Whether the events of a batch are at fault, so that bisecting finds one to halt at: the fold threw, or Postgres
 * refused a value (SQLSTATE 22, 23) or its size (54: an index row over a third of a page). Everything else passes
 * by itself or is a defect of the installation, and skipping events would only lose them.
 */
export function isPoison(error: unknown): boolean {
  if (error instanceof FoldError) return true;
  if (classifyPgError(error) === 'data') return true;
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^54[0-9A-Z]{3}$/.test(code);
}
