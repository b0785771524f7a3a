import type { Role } from './principal.js';

/** A key with the principal it belongs to: never the secret, never its hash. Times in ms. */
export interface KeyRecord {
  readonly id: string;
  readonly tenantId: string;
  readonly principal: string;
  readonly role: Role;
  readonly sourcePrefix: string | null;
  readonly label: string;
  readonly createdMs: number;
  readonly expiresMs: number | null;
  readonly revokedMs: number | null;
}

/** A row of {@link KEY_RECORDS}. */
export interface KeyRow {
  id: string;
  tenant_id: string;
  principal_name: string;
  role: Role;
  source_prefix: string | null;
  label: string;
  created_ms: string;
  expires_ms: string | null;
  revoked_ms: string | null;
}

/** Selects keys (alias k) with their principals (alias p); the condition follows. */
export const KEY_RECORDS = `SELECT k.id, k.tenant_id, k.principal_name, p.role, p.source_prefix, k.label,
       k.created_ms, k.expires_ms, k.revoked_ms
  FROM api_keys k JOIN principals p ON p.tenant_id = k.tenant_id AND p.name = k.principal_name`;

/** The record of a row. */
export function toKeyRecord(row: KeyRow): KeyRecord {
  const number = (text: string | null): number | null => (text === null ? null : Number(text));
  return {
    id: row.id,
    tenantId: row.tenant_id,
    principal: row.principal_name,
    role: row.role,
    sourcePrefix: row.source_prefix,
    label: row.label,
    createdMs: Number(row.created_ms),
    expiresMs: number(row.expires_ms),
    revokedMs: number(row.revoked_ms),
  };
}
