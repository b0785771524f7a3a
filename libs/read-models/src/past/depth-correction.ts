import type { JobState, LedgerSchema } from '@quipu/ledger';
import type { DepthRow } from '../depth/depth-queries.js';
import type { Statement } from '../statement.js';
import { type DepthColumn, jobStanding } from './job-standing.js';
import type { TouchedEntity } from './touched-entities.js';

interface Row {
  readonly tenant: string;
  readonly queue: string;
  readonly counts: Record<DepthColumn, number>;
  /** Lowest score of a queued job, ms. */
  oldest: number | null;
}

/** One row of {@link untouchedOldest}. */
export interface OldestRow {
  tenant: string;
  queue: string;
  oldest: string;
}

/** Depth now, turned into depth then: jobs that changed since are taken out as they are and put in as they were. */
export class DepthCorrection {
  private readonly rows = new Map<string, Row>();

  /** @param rows depth now. @param oldest the oldest queued jobs among those that nothing has changed since. */
  constructor(
    private readonly now: number,
    rows: readonly DepthRow[],
    oldest: readonly OldestRow[],
  ) {
    for (const { tenant, queue, queued, delayed, blocked, inProgress } of rows) {
      Object.assign(this.row(tenant, queue).counts, { queued, delayed, blocked, inProgress });
    }
    for (const row of oldest) this.row(row.tenant, row.queue).oldest = Number(row.oldest);
  }

  /** Takes one job into account. */
  add({ key, now, then }: TouchedEntity): void {
    const standsNow = jobStanding(now as JobState, this.now);
    if (standsNow !== null) this.row(key.tenant, standsNow.queue).counts[standsNow.column] -= 1;
    const stood = jobStanding(then as JobState, this.now);
    if (stood === null) return;
    const row = this.row(key.tenant, stood.queue);
    row.counts[stood.column] += 1;
    if (stood.column === 'queued' && stood.since !== null) {
      row.oldest = Math.min(row.oldest ?? stood.since, stood.since);
    }
  }

  /** The rows as they were, in the order of depth. */
  finish(): DepthRow[] {
    return [...this.rows.values()]
      .filter(({ counts }) => Object.values(counts).some((count) => count !== 0))
      .sort((a, b) => order(a.tenant, b.tenant) || order(a.queue, b.queue))
      .map(({ tenant, queue, counts, oldest }) => ({
        ...{ tenant, queue },
        ...counts,
        oldestWaitingMs: oldest === null ? null : this.now - oldest,
      }));
  }

  private row(tenant: string, queue: string): Row {
    const name = JSON.stringify([tenant, queue]);
    let row = this.rows.get(name);
    if (row === undefined) {
      const counts = { queued: 0, delayed: 0, blocked: 0, inProgress: 0 };
      this.rows.set(name, (row = { tenant, queue, counts, oldest: null }));
    }
    return row;
  }
}

/** The lowest due score per queue among the waiting jobs that no event in `(position, head]` is a fact of. */
export function untouchedOldest(
  schema: LedgerSchema,
  at: { now: number; tenant: string | null; position: bigint; head: bigint },
): Statement {
  return {
    text: `
SELECT m.tenant, m.labels::json ->> 'queue' AS queue, min(m.score) AS oldest FROM ${schema}.members m
 WHERE m.family = 'waiting' AND m.score <= $1 AND ($2::text IS NULL OR m.tenant = $2)
   AND (SELECT 1 FROM log g WHERE g.tenant = m.tenant AND g.subject = m.member AND g.position > $3::bigint
           AND g.position <= $4::bigint LIMIT 1) IS NULL
 GROUP BY m.tenant, m.labels`,
    values: [at.now, at.tenant, String(at.position), String(at.head)],
  };
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
