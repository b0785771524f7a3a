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
