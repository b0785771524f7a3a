import { randomUUID } from 'node:crypto';
import { systemClock, withTransaction, type Clock } from '@quipu/platform';
import type { Pool } from 'pg';
import { generateSecret, hashSecret } from './api-key.js';
import { recordAudit } from './audit.js';
import { PRESET_KEY_LABEL } from './bootstrap-superadmin.js';
import {
  InvalidPrincipalError,
  KeyNotRotatableError,
  PrincipalExistsError,
  UnknownPrincipalError,
} from './errors.js';
import { toKeyRecord, type KeyRecord, type KeyRow, KEY_RECORDS } from './key-record.js';
import { SUPERADMIN_TENANT, type Role } from './principal.js';
import type { Queryable } from './queryable.js';

/** A key to be made. Times in ms. */
export interface KeyRequest {
  readonly tenantId: string;
  readonly principal: string;
  /** Needed when the principal is new; else it must be the one it has. */
  readonly role?: Role;
  /** Binds a new reporter to event sources that begin so. */
  readonly sourcePrefix?: string;
  readonly label?: string;
  readonly expiresMs?: number;
  /** Who makes it, for the audit. */
  readonly actor: string;
}

/** A key just made. `secret` exists nowhere else: show it now. */
export interface IssuedKey {
  readonly key: KeyRecord;
  readonly secret: string;
}

/** A key and the one that takes its place. */
export interface RotatedKey extends IssuedKey {
  readonly replaced: KeyRecord;
}

/** Which keys to list: newest first, behind one of them. */
export interface KeyListing {
  /** One tenant's; default: all. */
  readonly tenantId?: string;
  readonly principal?: string;
  readonly after?: { readonly createdMs: number; readonly id: string };
  readonly limit: number;
}

/** The lifetime of a key that has no end. */
const ENDLESS = -1;

/**
 * Keys as administrators handle them over HTTP. Each change is one transaction with its audit rows: there is no key
 * without a record of who made it. Methods that take `tenantId` see the keys of that tenant only; null means all.
 */
export class KeyAdministration {
  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Makes a key, and its principal if it is new.
   * @throws UnknownPrincipalError if the principal is new and no role was given; PrincipalExistsError if it has another
   * role or source prefix; InvalidPrincipalError for a role, label or expiry that cannot be.
   */
  async issue(request: KeyRequest): Promise<IssuedKey> {
    this.checkExpiry(request.expiresMs);
    if (request.tenantId === SUPERADMIN_TENANT && request.label === PRESET_KEY_LABEL) {
      // The next start would take it for a key preset earlier, and revoke it.
      throw new InvalidPrincipalError(`The label ${PRESET_KEY_LABEL} belongs to the configured key.`);
    }
    return withTransaction(this.pool, async (client) => {
      await this.ensurePrincipal(client, request);
      const { tenantId, principal, label = '', expiresMs = null, actor } = request;
      const made = await this.insert(client, { tenantId, principal, label, expiresMs });
      await this.audit(client, actor, 'key.created', made.key);
      return made;
    });
  }

  /** One page of keys, revoked and expired ones included. */
  async list({ tenantId, principal, after, limit }: KeyListing): Promise<KeyRecord[]> {
    const { rows } = await this.pool.query<KeyRow>(
      `${KEY_RECORDS}
        WHERE ($1::text IS NULL OR k.tenant_id = $1) AND ($2::text IS NULL OR k.principal_name = $2)
          AND ($3::bigint IS NULL OR k.created_ms < $3 OR (k.created_ms = $3 AND k.id::text > $4))
        ORDER BY k.created_ms DESC, k.id::text LIMIT $5`,
      [tenantId ?? null, principal ?? null, after?.createdMs ?? null, after?.id ?? null, limit],
    );
    return rows.map(toKeyRecord);
  }

  /** Revokes a key at once and for good; a key revoked before stays as it is. Null if there is no such key. */
  async revoke(id: string, tenantId: string | null, actor: string): Promise<KeyRecord | null> {
    return withTransaction(this.pool, async (client) => {
      const key = await this.lock(client, id, tenantId);
      if (key === null || key.revokedMs !== null) return key;
      const revokedMs = this.clock.now();
      await client.query(`UPDATE api_keys SET revoked_ms = $2 WHERE id = $1`, [key.id, revokedMs]);
      await this.audit(client, actor, 'key.revoked', key);
      return { ...key, revokedMs };
    });
  }

  /**
   * Makes a key of the same principal and label, and lets the old one work for `graceMs` more, so that its holders can
   * change over without a gap. The new one expires when told, else as long from now as the old one was made for: what
   * is rotated again while it waits for its end does not hand that end on.
   * Null if there is no such key.
   * @throws KeyNotRotatableError if the key no longer works, or is the one that the configuration presets.
   */
  async rotate(
    id: string,
    tenantId: string | null,
    options: { graceMs: number; expiresMs?: number; actor: string },
  ): Promise<RotatedKey | null> {
    this.checkExpiry(options.expiresMs);
    return withTransaction(this.pool, async (client) => {
      const now = this.clock.now();
      const old = await this.lock(client, id, tenantId);
      if (old === null) return null;
      if (old.revokedMs !== null || (old.expiresMs !== null && old.expiresMs <= now)) {
        throw new KeyNotRotatableError('The key does not work any more: make a new one.');
      }
      if (old.tenantId === SUPERADMIN_TENANT && old.label === PRESET_KEY_LABEL) {
        throw new KeyNotRotatableError('This is the configured key: change QUIPU_SUPERADMIN_KEY.');
      }
      const lifetimeMs = await this.lifetimeOf(client, old);
      const made = await this.insert(client, {
        ...{ tenantId: old.tenantId, principal: old.principal, label: old.label },
        expiresMs: options.expiresMs ?? (lifetimeMs === ENDLESS ? null : now + lifetimeMs),
      });
      const expiresMs = Math.min(now + options.graceMs, old.expiresMs ?? Infinity);
      await client.query(`UPDATE api_keys SET expires_ms = $2, lifetime_ms = $3 WHERE id = $1`, [
        ...[old.id, expiresMs, lifetimeMs],
      ]);
      await this.audit(client, options.actor, 'key.rotated', made.key, {
        replaced: old.id,
        until: expiresMs,
      });
      return { ...made, replaced: { ...old, expiresMs } };
    });
  }

  private async ensurePrincipal(client: Queryable, request: KeyRequest): Promise<void> {
    const { tenantId, principal: name, role, sourcePrefix, actor } = request;
    if (role === 'superadmin' && tenantId !== SUPERADMIN_TENANT) {
      throw new InvalidPrincipalError(`Role superadmin exists only in tenant ${SUPERADMIN_TENANT}.`);
    }
    if (sourcePrefix !== undefined && role !== undefined && role !== 'reporter') {
      throw new InvalidPrincipalError('Only a reporter can be bound to a source prefix.');
    }
    if (role !== undefined) {
      const { rowCount } = await client.query(
        `INSERT INTO principals (tenant_id, name, role, source_prefix, created_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, name) DO NOTHING`,
        [tenantId, name, role, sourcePrefix ?? null, this.clock.now()],
      );
      const detail = { tenant: tenantId, principal: name, role };
      if (rowCount === 1) {
        return recordAudit(client, { atMs: this.clock.now(), actor, action: 'principal.created', detail });
      }
    }
    const { rows } = await client.query<{ role: Role; source_prefix: string | null }>(
      `SELECT role, source_prefix FROM principals WHERE tenant_id = $1 AND name = $2 FOR SHARE`,
      [tenantId, name],
    );
    const [known] = rows;
    if (known === undefined) {
      throw new UnknownPrincipalError(
        `Tenant "${tenantId}" has no principal "${name}": say which role it gets.`,
      );
    }
    if (role !== undefined && role !== known.role) {
      throw new PrincipalExistsError(`Principal "${name}" exists with role ${known.role}.`);
    }
    if (sourcePrefix !== undefined && sourcePrefix !== known.source_prefix) {
      throw new PrincipalExistsError(
        `Principal "${name}" exists, bound to another source prefix or to none.`,
      );
    }
  }

  private async insert(
    client: Queryable,
    key: { tenantId: string; principal: string; label: string; expiresMs: number | null },
  ): Promise<IssuedKey> {
    const id = randomUUID();
    const secret = generateSecret();
    const { tenantId, principal, label, expiresMs } = key;
    await client.query(
      `INSERT INTO api_keys (id, key_hash, tenant_id, principal_name, label, created_ms, expires_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, hashSecret(secret), tenantId, principal, label, this.clock.now(), expiresMs],
    );
    const { rows } = await client.query<KeyRow>(`${KEY_RECORDS} WHERE k.id = $1`, [id]);
    return { key: toKeyRecord(rows[0]!), secret };
  }

  private async lock(client: Queryable, id: string, tenantId: string | null): Promise<KeyRecord | null> {
    const { rows } = await client.query<KeyRow>(
      `${KEY_RECORDS} WHERE k.id::text = lower($1) AND ($2::text IS NULL OR k.tenant_id = $2) FOR UPDATE OF k`,
      [id, tenantId],
    );
    return rows[0] ? toKeyRecord(rows[0]) : null;
  }

  /** For how long a key was made, ms; {@link ENDLESS}: without an end. */
  private async lifetimeOf(client: Queryable, key: KeyRecord): Promise<number> {
    const { rows } = await client.query<{ lifetime_ms: string | null }>(
      `SELECT lifetime_ms FROM api_keys WHERE id = $1`,
      [key.id],
    );
    const noted = rows[0]?.lifetime_ms ?? null;
    if (noted !== null) return Number(noted);
    return key.expiresMs === null ? ENDLESS : key.expiresMs - key.createdMs;
  }

  private async audit(
    client: Queryable,
    actor: string,
    action: string,
    key: KeyRecord,
    more: Record<string, unknown> = {},
  ): Promise<void> {
    const detail = { key: key.id, tenant: key.tenantId, principal: key.principal, role: key.role, ...more };
    await recordAudit(client, { atMs: this.clock.now(), actor, action, detail });
  }

  private checkExpiry(expiresMs: number | undefined): void {
    if (expiresMs !== undefined && expiresMs <= this.clock.now()) {
      throw new InvalidPrincipalError('The expiry of a new key must be in the future.');
    }
  }
}
