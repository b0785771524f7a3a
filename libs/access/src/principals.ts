import { systemClock, type Clock } from '@quipu/platform';
import type { Pool } from 'pg';
import { recordAudit } from './audit.js';
import { InvalidPrincipalError, UnknownPrincipalError } from './errors.js';
import { SUPERADMIN_TENANT, type Principal, type Role } from './principal.js';

interface PrincipalRow {
  tenant_id: string;
  tenant_name: string;
  name: string;
  role: Role;
  source_prefix: string | null;
}

const SELECT = `SELECT p.tenant_id, t.name AS tenant_name, p.name, p.role, p.source_prefix
                  FROM principals p JOIN tenants t ON t.id = p.tenant_id`;

/** What makes a principal. */
export interface NewPrincipal {
  tenantId: string;
  name: string;
  role: Role;
  sourcePrefix?: string;
  /** Who makes it, for the audit; default `system`. */
  actor?: string;
}

/** The principals of all tenants: people, programs, collectors. */
export class Principals {
  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Makes a principal, or gives an existing one of that tenant and name this role.
   * @throws UnknownPrincipalError if the tenant does not exist; InvalidPrincipalError if the role is
   * `superadmin` outside tenant `superadmin`, or something other than a reporter is bound to a source.
   */
  async createPrincipal(input: NewPrincipal): Promise<Principal> {
    if (input.role === 'superadmin' && input.tenantId !== SUPERADMIN_TENANT) {
      throw new InvalidPrincipalError(`Role superadmin exists only in tenant ${SUPERADMIN_TENANT}.`);
    }
    if (input.sourcePrefix !== undefined && input.role !== 'reporter') {
      throw new InvalidPrincipalError('Only a reporter can be bound to a source prefix.');
    }
    const now = this.clock.now();
    const { rowCount } = await this.pool.query(
      `INSERT INTO principals (tenant_id, name, role, source_prefix, created_ms)
       SELECT id, $2, $3, $4, $5 FROM tenants WHERE id = $1
       ON CONFLICT (tenant_id, name) DO UPDATE SET role = excluded.role, source_prefix = excluded.source_prefix`,
      [input.tenantId, input.name, input.role, input.sourcePrefix ?? null, now],
    );
    if (rowCount === 0)
      throw new UnknownPrincipalError(`There is no tenant with the id "${input.tenantId}".`);
    await recordAudit(this.pool, {
      atMs: now,
      actor: input.actor ?? 'system',
      action: 'principal.set',
      detail: { tenant: input.tenantId, principal: input.name, role: input.role },
    });
    return (await this.find(input.tenantId, input.name))!;
  }

  /** The principal of this tenant id and name, or null. */
  async find(tenantId: string, name: string): Promise<Principal | null> {
    const { rows } = await this.pool.query<PrincipalRow>(`${SELECT} WHERE p.tenant_id = $1 AND p.name = $2`, [
      tenantId,
      name,
    ]);
    return rows[0] ? toPrincipal(rows[0]) : null;
  }

  /** The principals of one tenant, or of all, ordered by tenant and name. */
  async list(tenantId?: string): Promise<Principal[]> {
    const { rows } = await this.pool.query<PrincipalRow>(
      `${SELECT} WHERE $1::text IS NULL OR p.tenant_id = $1 ORDER BY p.tenant_id, p.name`,
      [tenantId ?? null],
    );
    return rows.map(toPrincipal);
  }
}

function toPrincipal(row: PrincipalRow): Principal {
  return {
    tenantId: row.tenant_id,
    tenantName: row.tenant_name,
    name: row.name,
    role: row.role,
    sourcePrefix: row.source_prefix,
  };
}
