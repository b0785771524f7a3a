import type { Queryable } from './queryable.js';

/** One thing worth being able to prove later: a key made or revoked, a read across tenants. */
export interface AuditEntry {
  atMs: number;
  /** `<tenant>/<name>` of whoever did it, or `system`. */
  actor: string;
  /** Dotted, lower case, past tense: `key.created`. */
  action: string;
  detail: Record<string, unknown>;
}

/** Writes one audit row. */
export async function recordAudit(db: Queryable, entry: AuditEntry): Promise<void> {
  await db.query(`INSERT INTO audit (at_ms, actor, action, detail) VALUES ($1, $2, $3, $4)`, [
    entry.atMs,
    entry.actor,
    entry.action,
    JSON.stringify(entry.detail),
  ]);
}

/** An audit row as it is read. */
export interface AuditRecord extends AuditEntry {
  /** Ascending in the order of writing. */
  id: number;
}

/** Which rows of the audit to list: newest first, before an id, of an actor, of an action. */
export interface AuditListing {
  readonly before?: number;
  readonly actor?: string;
  readonly action?: string;
  readonly limit: number;
}

/** The audit, to be read. */
export class AuditTrail {
  constructor(private readonly db: Queryable) {}

  /** One page, newest first. */
  async list({ before, actor, action, limit }: AuditListing): Promise<AuditRecord[]> {
    const { rows } = await this.db.query<{
      id: string;
      at_ms: string;
      actor: string;
      action: string;
      detail: Record<string, unknown>;
    }>(
      `SELECT id, at_ms, actor, action, detail FROM audit
        WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3)
        ORDER BY id DESC LIMIT $4`,
      [before ?? null, actor ?? null, action ?? null, limit],
    );
    return rows.map(({ id, at_ms: atMs, ...rest }) => ({ ...rest, id: Number(id), atMs: Number(atMs) }));
  }
}
