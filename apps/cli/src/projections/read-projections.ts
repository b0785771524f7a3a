import { EventLog } from '@quipu/event-log';
import { canReseed, codeHash, LEDGER_PROJECTION } from '@quipu/ledger';
import { type Generation, listGenerations, readSkips } from '@quipu/projection-engine';
import { type Pool } from 'pg';

/** Whether the program that asks could go on with tables: yes, after a reseed, after a rebuild only. */
export type CodeFit = 'same' | 'reseed' | 'rebuild';

/** One generation of the ledger's tables, as `projections status` shows it. Positions are decimal strings. */
export interface GenerationStatusRow {
  readonly schema: string;
  readonly status: Generation['status'];
  readonly version: number;
  readonly position: string;
  /** Events in the log that are not in these tables yet. */
  readonly behindEvents: string;
  /** How long the first of them has been waiting, in seconds. */
  readonly behindSeconds: number;
  readonly halted: {
    readonly position: string;
    readonly error: string;
    readonly since: string | null;
  } | null;
  /** Hash of the code that made the tables; empty while nothing was folded. */
  readonly codeHash: string;
  /** What this program's own code would need to go on with them. */
  readonly code: CodeFit;
  /** When the checkpoint last moved. */
  readonly updated: string | null;
  /** The session of Postgres that is elected to write them. */
  readonly leader: { readonly pid: number; readonly address: string | null } | null;
}

/** All there is to know about the ledger projection. */
export interface ProjectionStatus {
  readonly name: string;
  readonly log: { readonly position: string };
  /** Hash of this program's code. */
  readonly codeHash: string;
  readonly generations: readonly GenerationStatusRow[];
  /** Events that are left out by an operator's order, now and in every rebuild. */
  readonly skips: readonly { position: string; reason: string; by: string; at: string }[];
}

/** Reads the state of every generation of the ledger. */
export async function readProjections(pool: Pool, nowMs: number): Promise<ProjectionStatus> {
  const log = new EventLog(pool);
  const generations = await listGenerations(pool, LEDGER_PROJECTION);
  const rows: GenerationStatusRow[] = [];
  for (const generation of generations) rows.push(await rowOf(log, generation, nowMs));
  const skips = await readSkips(pool, LEDGER_PROJECTION);
  return {
    name: LEDGER_PROJECTION,
    log: { position: String((await log.head()).position) },
    codeHash: codeHash(),
    generations: rows,
    skips: skips.map(({ position, reason, by, atMs }) => ({
      ...{ position: String(position), reason, by },
      at: new Date(atMs).toISOString(),
    })),
  };
}

/** What code `stored` was made by means to this program. */
export function codeFit(stored: string): CodeFit {
  if (stored === '' || stored === codeHash()) return 'same';
  return canReseed(stored) ? 'reseed' : 'rebuild';
}

async function rowOf(log: EventLog, generation: Generation, nowMs: number): Promise<GenerationStatusRow> {
  const { position, haltedPosition, haltedError, haltedMs, updatedMs, leader } = generation;
  const retired = generation.status === 'retired';
  const waitingSince = retired ? null : await log.oldestRecordedAfter(position);
  return {
    schema: generation.schemaName,
    status: generation.status,
    version: generation.version,
    position: String(position),
    behindEvents: String(retired ? 0n : await log.countAfter(position)),
    behindSeconds: waitingSince === null ? 0 : Math.max(0, nowMs - waitingSince) / 1000,
    halted:
      haltedPosition === null
        ? null
        : { position: String(haltedPosition), error: haltedError ?? '', since: iso(haltedMs) },
    codeHash: generation.codeHash,
    code: codeFit(generation.codeHash),
    updated: iso(updatedMs === 0 ? null : updatedMs),
    leader,
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
