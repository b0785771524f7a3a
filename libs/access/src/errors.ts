import { QuipuError } from '@quipu/platform';

/** A tenant cannot be created: its id or its name is already the id or the name of another one. */
export class TenantExistsError extends QuipuError {
  readonly code = 'tenant_exists';
  readonly retryable = false;
}

/** A tenant, principal or key named by an administrator does not exist. */
export class UnknownPrincipalError extends QuipuError {
  readonly code = 'unknown_principal';
  readonly retryable = false;
}

/** A role, name or expiry that access control refuses. The message says what is allowed. */
export class InvalidPrincipalError extends QuipuError {
  readonly code = 'invalid_principal';
  readonly retryable = false;
}

/** A principal exists already, with another role or another source prefix. */
export class PrincipalExistsError extends QuipuError {
  readonly code = 'principal_exists';
  readonly retryable = false;
}

/** A key that cannot be rotated: it no longer works, or the configuration rules over it. */
export class KeyNotRotatableError extends QuipuError {
  readonly code = 'key_not_rotatable';
  readonly retryable = false;
}
