declare const brand: unique symbol;

/** A `T` that only the named check hands out, so that one kind of id cannot be passed for another. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Place of an event in the log: positive, rising in commit order, with gaps. A decimal string in JSON. */
export type Position = Brand<bigint, 'Position'>;
/** Id of a tenant, in the safe syntax of {@link isTenantId}. */
export type TenantId = Brand<string, 'TenantId'>;
/** Id of an event, unique within its tenant and source. */
export type EventId = Brand<string, 'EventId'>;
/** Who reported an event: a URI reference, compared as text. */
export type EventSource = Brand<string, 'EventSource'>;
/** Name of the entity an event is about: `<kind>/<rest>`. */
export type Subject = Brand<string, 'Subject'>;

/** Tenant of platform entities (workers, pools, hosts, file stores) whose event names none. */
export const PLATFORM_TENANT = 'superadmin';

/** Most characters of a tenant id. */
export const MAX_TENANT_LENGTH = 128;

/**
 * Syntax of tenant ids: a letter or digit, then letters, digits and `. _ : @ + -`; at most 128 characters.
 * ASCII without separators, because tenant ids become parts of keys, labels, paths and file names.
 */
export const TENANT_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/;

/** Whether a value is a well-formed tenant id (says nothing about whether such a tenant exists). */
export function isTenantId(value: unknown): value is TenantId {
  return typeof value === 'string' && TENANT_PATTERN.test(value);
}

/** Names a bigint as a log position. The caller vouches that it came from the log. */
export function asPosition(value: bigint): Position {
  return value as Position;
}
