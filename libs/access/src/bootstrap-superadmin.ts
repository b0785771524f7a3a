import { randomUUID } from 'node:crypto';
import { systemClock, withTransaction, type Clock } from '@quipu/platform';
import type { Pool } from 'pg';
import { hashSecret } from './api-key.js';
import { recordAudit } from './audit.js';
import { InvalidPrincipalError } from './errors.js';
import { SUPERADMIN_TENANT } from './principal.js';

/** The label of the key that the configuration presets. */
export const PRESET_KEY_LABEL = 'preset';
/** The principal that the preset key belongs to. */
export const SUPERADMIN_NAME = 'admin';

/**
 * Makes `key` the superadmin's: principal `admin` of tenant `superadmin` exists, this key is valid, and a
 * key preset earlier is revoked, so that changing the configured key really locks the old one out. Keys
 * made with `KeyStore` stay. Repeating it changes nothing.
 * @throws InvalidPrincipalError if `key` is the key of another principal.
 */
export async function bootstrapSuperadmin(
  pool: Pool,
  key: string,
  clock: Clock = systemClock,
): Promise<void> {
  const hash = hashSecret(key);
  const now = clock.now();
  await withTransaction(pool, async (client) => {
    // Two processes that start at once with different keys must not both leave theirs valid.
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('quipu.superadmin'))`);
    await client.query(
      `INSERT INTO tenants (id, name, created_ms, origin) VALUES ($1, $1, $2, 'system') ON CONFLICT (id) DO NOTHING`,
      [SUPERADMIN_TENANT, now],
    );
    await client.query(
      `INSERT INTO principals (tenant_id, name, role, created_ms) VALUES ($1, $2, 'superadmin', $3)
       ON CONFLICT (tenant_id, name) DO UPDATE SET role = 'superadmin', source_prefix = NULL`,
      [SUPERADMIN_TENANT, SUPERADMIN_NAME, now],
    );
    const { rows: current } = await client.query<{ ours: boolean; valid: boolean }>(
      `SELECT tenant_id = $2 AND principal_name = $3 AS ours, revoked_ms IS NULL AND expires_ms IS NULL AS valid
         FROM api_keys WHERE key_hash = $1`,
      [hash, SUPERADMIN_TENANT, SUPERADMIN_NAME],
    );
    if (current[0] && !current[0].ours) {
      throw new InvalidPrincipalError('The preset superadmin key is the key of another principal.');
    }
    const { rowCount: revoked } = await client.query(
      `UPDATE api_keys SET revoked_ms = $4
        WHERE tenant_id = $1 AND principal_name = $2 AND label = $3 AND key_hash <> $5 AND revoked_ms IS NULL`,
      [SUPERADMIN_TENANT, SUPERADMIN_NAME, PRESET_KEY_LABEL, now, hash],
    );
    if (current[0]?.valid && !revoked) return;
    await client.query(
      `INSERT INTO api_keys (id, key_hash, tenant_id, principal_name, label, created_ms)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (key_hash) DO UPDATE SET revoked_ms = NULL, expires_ms = NULL, label = excluded.label`,
      [randomUUID(), hash, SUPERADMIN_TENANT, SUPERADMIN_NAME, PRESET_KEY_LABEL, now],
    );
    await recordAudit(client, {
      atMs: now,
      actor: 'system',
      action: 'superadmin.preset',
      detail: { revokedEarlier: revoked ?? 0 },
    });
  });
}
