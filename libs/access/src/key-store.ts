import { randomUUID, timingSafeEqual } from 'node:crypto';
import { systemClock, type Clock } from '@quipu/platform';
import type { Pool } from 'pg';
import { equalConstantTime, generateSecret, hashSecret } from './api-key.js';
import { recordAudit } from './audit.js';
import { InvalidPrincipalError, UnknownPrincipalError } from './errors.js';
import type { Principal, Role } from './principal.js';

/** A key as an administrator sees it: never the secret, never its hash. */
export interface KeyInfo {
  id: string;
  tenantId: string;
  principalName: string;
  label: string;
  createdMs: number;
  expiresMs: number | null;
  revokedMs: number | null;
}

/** A key just made. `secret` exists nowhere else: show it now. */
export interface CreatedKey {
  id: string;
  secret: string;
}

/** What a caller presents: the tenant's name (not its id), user and key. */
export interface Credentials {
  tenant: string;
  user: string;
  secret: string;
}

interface AuthRow {
  key_hash: Buffer;
  expires_ms: string | null;
  tenant_id: string;
  tenant_name: string;
  name: string;
  role: Role;
  source_prefix: string | null;
}

/** API keys: made, listed, revoked, and checked. */
export class KeyStore {
  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Makes a key for an existing principal.
   * @throws UnknownPrincipalError if there is no such principal; InvalidPrincipalError if the expiry is past.
   */
  async createKey(
    principal: { tenantId: string; name: string },
    options: { label?: string; expiresMs?: number; actor?: string } = {},
  ): Promise<CreatedKey> {
    const now = this.clock.now();
    if (options.expiresMs !== undefined && options.expiresMs <= now) {
      throw new InvalidPrincipalError('The expiry of a new key must be in the future.');
    }
    const id = randomUUID();
    const secret = generateSecret();
    const { rowCount } = await this.pool.query(
      `INSERT INTO api_keys (id, key_hash, tenant_id, principal_name, label, created_ms, expires_ms)
       SELECT $1, $2, tenant_id, name, $5, $6, $7 FROM principals WHERE tenant_id = $3 AND name = $4`,
      [
        id,
        hashSecret(secret),
        principal.tenantId,
        principal.name,
        options.label ?? '',
        now,
        options.expiresMs ?? null,
      ],
    );
    if (rowCount === 0) {
      throw new UnknownPrincipalError(`Tenant "${principal.tenantId}" has no principal "${principal.name}".`);
    }
    await recordAudit(this.pool, {
      atMs: now,
      actor: options.actor ?? 'system',
      action: 'key.created',
      detail: { key: id, tenant: principal.tenantId, principal: principal.name },
    });
    return { id, secret };
  }

  /** The keys of one tenant, or of all; newest first, revoked ones included. */
  async listKeys(tenantId?: string): Promise<KeyInfo[]> {
    const { rows } = await this.pool.query<{
      id: string;
      tenant_id: string;
      principal_name: string;
      label: string;
      created_ms: string;
      expires_ms: string | null;
      revoked_ms: string | null;
    }>(
      `SELECT id, tenant_id, principal_name, label, created_ms, expires_ms, revoked_ms FROM api_keys
        WHERE $1::text IS NULL OR tenant_id = $1 ORDER BY created_ms DESC, id`,
      [tenantId ?? null],
    );
    return rows.map((row) => ({
      id: row.id,
      tenantId: row.tenant_id,
      principalName: row.principal_name,
      label: row.label,
      createdMs: Number(row.created_ms),
      expiresMs: row.expires_ms === null ? null : Number(row.expires_ms),
      revokedMs: row.revoked_ms === null ? null : Number(row.revoked_ms),
    }));
  }

  /** Revokes a key; false if there is no such key or it already is revoked. It is refused from now on. */
  async revokeKey(id: string, actor = 'system'): Promise<boolean> {
    const now = this.clock.now();
    const { rows } = await this.pool.query<{ tenant_id: string; principal_name: string }>(
      `UPDATE api_keys SET revoked_ms = $2 WHERE id::text = $1 AND revoked_ms IS NULL
       RETURNING tenant_id, principal_name`,
      [id, now],
    );
    const key = rows[0];
    if (!key) return false;
    await recordAudit(this.pool, {
      atMs: now,
      actor,
      action: 'key.revoked',
      detail: { key: id, tenant: key.tenant_id, principal: key.principal_name },
    });
    return true;
  }

  /** Who holds this secret, if the key is neither revoked nor expired; else null. */
  async authenticateSecret(secret: string): Promise<Principal | null> {
    return (await this.holderOf(secret))?.principal ?? null;
  }

  /** As {@link authenticateSecret}, with when the key expires (ms; null: never). */
  async holderOf(secret: string): Promise<{ principal: Principal; expiresMs: number | null } | null> {
    const hash = hashSecret(secret);
    const { rows } = await this.pool.query<AuthRow>({
      name: 'quipu-authenticate',
      text: `SELECT k.key_hash, k.expires_ms, p.tenant_id, t.name AS tenant_name, p.name, p.role, p.source_prefix
               FROM api_keys k
               JOIN principals p ON p.tenant_id = k.tenant_id AND p.name = k.principal_name
               JOIN tenants t ON t.id = p.tenant_id
              WHERE k.key_hash = $1 AND k.revoked_ms IS NULL AND (k.expires_ms IS NULL OR k.expires_ms > $2)`,
      values: [hash, this.clock.now()],
    });
    const row = rows[0];
    if (!row || !timingSafeEqual(row.key_hash, hash)) return null;
    return {
      principal: {
        tenantId: row.tenant_id,
        tenantName: row.tenant_name,
        name: row.name,
        role: row.role,
        sourcePrefix: row.source_prefix,
      },
      expiresMs: row.expires_ms === null ? null : Number(row.expires_ms),
    };
  }

  /**
   * The principal, if the key is that user's in that tenant; else null, whatever was wrong. An unknown
   * tenant, an unknown user and a wrong key take the same path, so a caller learns nothing from the answer.
   */
  async authenticate(credentials: Credentials): Promise<Principal | null> {
    const principal = await this.authenticateSecret(credentials.secret);
    if (!principal) return null;
    const sameTenant = equalConstantTime(principal.tenantName, credentials.tenant);
    const sameUser = equalConstantTime(principal.name, credentials.user);
    return sameTenant && sameUser ? principal : null;
  }
}
