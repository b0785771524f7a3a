import { systemClock, withTransaction, type Clock } from '@quipu/platform';
import type { Pool } from 'pg';
import { recordAudit } from './audit.js';
import { TenantExistsError } from './errors.js';

/** A tenant: events carry its id, people and the Coopr dialect its name. Both are unique, in one space. */
export interface Tenant {
  id: string;
  name: string;
  createdMs: number;
  /** Who brought it into being: the system, an administrator, or an event on a trusted path. */
  origin: 'system' | 'admin' | 'event';
}

/** What `TenantDirectory.ensure` found: ids that may be used, and a reason for each that may not. */
export interface EnsuredTenants {
  known: Set<string>;
  refused: Map<string, string>;
}

interface TenantRow {
  id: string;
  name: string;
  created_ms: string;
  origin: Tenant['origin'];
}

const UNIQUE_VIOLATION = '23505';
const COLUMNS = 'id, name, created_ms, origin';

/**
 * The tenants of the platform. Known ids are remembered for the life of the process: a tenant is never
 * deleted or renamed, so what was known stays known. Unknown ids are looked up each time.
 */
export class TenantDirectory {
  private readonly known = new Set<string>();

  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Decides which tenant ids of incoming events may be used. In mode `auto` a tenant that a trusted path
   * meets first comes into being with its id as its name; in mode `strict` it is refused. In both modes
   * an unknown id that is another tenant's *name* is refused with a detail that names that tenant's id.
   */
  async ensure(ids: Iterable<string>, mode: 'auto' | 'strict'): Promise<EnsuredTenants> {
    const asked = new Set(ids);
    const refused = new Map<string, string>();
    let missing = [...asked].filter((id) => !this.known.has(id));
    // A concurrent creator can win between the look-up and the insert: its row is seen in the next round.
    for (let round = 0; missing.length > 0; round += 1) {
      const namesakes = await this.lookUp(missing);
      missing = missing.filter((id) => !this.known.has(id));
      for (const id of missing) {
        const owner = namesakes.get(id);
        if (owner !== undefined)
          refused.set(id, `"${id}" is the name of tenant "${owner}": events carry the id`);
        else if (mode === 'strict') refused.set(id, `tenant "${id}" is unknown`);
      }
      missing = missing.filter((id) => !refused.has(id));
      if (missing.length > 0) missing = await this.insertNew(missing, round);
    }
    return { known: new Set([...asked].filter((id) => this.known.has(id))), refused };
  }

  /** Every tenant, ordered by name. */
  async list(): Promise<Tenant[]> {
    const { rows } = await this.pool.query<TenantRow>(`SELECT ${COLUMNS} FROM tenants ORDER BY name`);
    return rows.map(toTenant);
  }

  /** The tenant with this id, else the one with this name, else null. */
  async findByIdThenName(text: string): Promise<Tenant | null> {
    const { rows } = await this.pool.query<TenantRow>(
      `SELECT ${COLUMNS} FROM tenants WHERE id = $1 OR name = $1 ORDER BY (id = $1) DESC LIMIT 1`,
      [text],
    );
    return rows[0] ? toTenant(rows[0]) : null;
  }

  /**
   * Creates a tenant; the name defaults to the id. With an actor, an audit row tells who did it.
   * @throws TenantExistsError if the id or the name already is the id or name of a tenant.
   */
  async create(tenant: {
    id: string;
    name?: string;
    origin?: Tenant['origin'];
    actor?: string;
  }): Promise<Tenant> {
    const { id, name = id, origin = 'admin', actor } = tenant;
    const atMs = this.clock.now();
    try {
      const created = await withTransaction(this.pool, async (client) => {
        const { rows } = await client.query<TenantRow>(
          `INSERT INTO tenants (id, name, created_ms, origin) VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
          [id, name, atMs, origin],
        );
        const detail = { tenant: id, name };
        if (actor !== undefined) await recordAudit(client, { atMs, actor, action: 'tenant.created', detail });
        return toTenant(rows[0]!);
      });
      this.known.add(id);
      return created;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new TenantExistsError(`Tenant id "${id}" or name "${name}" is already taken by a tenant.`, {
        cause: error,
      });
    }
  }

  /** Ids of the tenants that public metrics name. */
  async publicIds(): Promise<Set<string>> {
    const { rows } = await this.pool.query<{ id: string }>(`SELECT id FROM tenants WHERE is_public`);
    return new Set(rows.map(({ id }) => id));
  }

  /** Lets public metrics name a tenant, or no longer; false if there is no such tenant. An audit row tells who did it. */
  async setPublic(id: string, isPublic: boolean, actor: string): Promise<boolean> {
    return withTransaction(this.pool, async (client) => {
      const { rowCount } = await client.query(`UPDATE tenants SET is_public = $2 WHERE id = $1`, [
        id,
        isPublic,
      ]);
      if (rowCount === 0) return false;
      const action = isPublic ? 'tenant.published' : 'tenant.unpublished';
      await recordAudit(client, { atMs: this.clock.now(), actor, action, detail: { tenant: id } });
      return true;
    });
  }

  /** Remembers which of `ids` exist and returns, for those that are names of other tenants, their ids. */
  private async lookUp(ids: readonly string[]): Promise<Map<string, string>> {
    const { rows } = await this.pool.query<{ asked: string; id: string }>(
      `SELECT asked, t.id FROM unnest($1::text[]) AS asked
         JOIN tenants t ON t.id = asked OR t.name = asked`,
      [ids],
    );
    const namesakes = new Map<string, string>();
    for (const row of rows) {
      if (row.id === row.asked) this.known.add(row.id);
      else namesakes.set(row.asked, row.id);
    }
    return namesakes;
  }

  /** Inserts and returns what is still unsettled and has to be looked up again. */
  private async insertNew(ids: readonly string[], round: number): Promise<string[]> {
    try {
      const { rows } = await this.pool.query<{ id: string }>(
        `INSERT INTO tenants (id, name, created_ms, origin)
         SELECT id, id, $2, 'event' FROM unnest($1::text[]) AS id ORDER BY id
         ON CONFLICT DO NOTHING RETURNING id`,
        [ids, this.clock.now()],
      );
      for (const { id } of rows) this.known.add(id);
    } catch (error) {
      if (!isUniqueViolation(error) || round >= 3) throw error;
    }
    return ids.filter((id) => !this.known.has(id));
  }
}

function toTenant(row: TenantRow): Tenant {
  return { id: row.id, name: row.name, createdMs: Number(row.created_ms), origin: row.origin };
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
}
