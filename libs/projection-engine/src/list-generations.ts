import { type ClientBase } from 'pg';
import { type Checkpoint, type Queryable } from './checkpoint.js';
import { ELECTION_LOCK_CLASS } from './leader-session.js';

/** `live`: the one that readers see; `building`: being filled beside it; `retired`: was live once. */
export type GenerationStatus = 'building' | 'live' | 'retired';

/** One generation of a projection's tables, and who writes them at the moment. */
export interface Generation extends Omit<Checkpoint, 'epoch'> {
  readonly status: GenerationStatus;
  /** The session of Postgres that is elected to write it, or null. */
  readonly leader: { readonly pid: number; readonly address: string | null } | null;
}

interface GenerationRow {
  version: number;
  schema_name: string;
  status: GenerationStatus;
  position: string;
  code_hash: string;
  halted_position: string | null;
  halted_error: string | null;
  halted_ms: string | null;
  updated_ms: string;
  leader_pid: number | null;
  leader_address: string | null;
}

const LIST = `
  SELECT p.version, p.schema_name, p.status, p.position, p.code_hash, p.halted_position, p.halted_error,
         p.halted_ms, p.updated_ms, leader.pid AS leader_pid, leader.address AS leader_address
  FROM projections p
  LEFT JOIN LATERAL (
    SELECT k.pid, host(a.client_addr) AS address
    FROM pg_locks k LEFT JOIN pg_stat_activity a ON a.pid = k.pid
    WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2 AND k.classid = $2::int::oid
      AND k.objid = hashtext(CASE p.status WHEN 'live' THEN p.name ELSE p.name || '/' || p.schema_name END)::oid
      AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LIMIT 1
  ) leader ON p.status <> 'retired'
  WHERE p.name = $1
  ORDER BY p.status = 'live' DESC, p.status = 'building' DESC, p.schema_name`;

/** Every generation of projection `name`: the live one first, then one that is being built, then retired ones. */
export async function listGenerations(client: Queryable, name: string): Promise<Generation[]> {
  const { rows } = await (client as Pick<ClientBase, 'query'>).query<GenerationRow>(LIST, [
    name,
    ELECTION_LOCK_CLASS,
  ]);
  return rows.map((row) => ({
    name,
    version: row.version,
    schemaName: row.schema_name,
    status: row.status,
    position: BigInt(row.position),
    codeHash: row.code_hash,
    haltedPosition: row.halted_position === null ? null : BigInt(row.halted_position),
    haltedError: row.halted_error,
    haltedMs: row.halted_ms === null ? null : Number(row.halted_ms),
    updatedMs: Number(row.updated_ms),
    leader: row.leader_pid === null ? null : { pid: row.leader_pid, address: row.leader_address },
  }));
}
