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
