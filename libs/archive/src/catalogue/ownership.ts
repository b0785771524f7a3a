import type { Scope } from '@quipu/access';

/** Whose something is: a tenant's, made by one of its principals. */
export interface Owner {
  readonly tenant: string;
  /** Name of the principal. */
  readonly creator: string;
}

/**
 * True if what the owner made may be read and changed within this scope: all of it by the platform's and the tenant's
 * administrators, by others what they made themselves.
 */
export function mayUse(scope: Scope, { tenant, creator }: Owner): boolean {
  return scope.coversTenant(tenant) || (scope.tenant === tenant && scope.user === creator);
}

/** Collects the parameters of a statement and names them. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Adds a value; what stands for it in the statement. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/**
 * The condition under which a row exists for a caller: any principal of a tenant knows what its tenant has, the platform
 * everything.
 * @param column the column that holds the tenant.
 */
export function knownTo(scope: Scope, column: string, parameters: Parameters): string {
  return scope.kind === 'platform' ? 'true' : `${column} = ${parameters.add(scope.tenant)}`;
}
