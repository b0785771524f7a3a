import { isInTouch, type Life } from './life.js';

/** A run that the ledger takes to go on, of a job whose highest attempt names a worker. */
export interface OpenRun {
  readonly jobTenant: string;
  /** Subject of the job. */
  readonly job: string;
  readonly attempt: number;
  /** When it began, ms. */
  readonly startedMs: number;
  /** The latest that is known of it: its start, its assignment, its progress; ms. */
  readonly lastMs: number;
}

/** What is known of a worker that may be lost. */
export interface WorkerRecord {
  /** All lives that are kept of it. */
  readonly lives: readonly Life[];
  /** The runs that name it. */
  readonly runs: readonly OpenRun[];
}

/** By when a life must have been heard. */
export interface Lease {
  /** The database's clock at the look, ms. */
  readonly nowMs: number;
  readonly leaseMs: number;
  /** Since when everybody could be heard, ms. */
  readonly hearingSinceMs: number;
}

/** A life that is declared lost, and the runs that ended with it. */
export interface Loss {
  readonly life: Life;
  readonly runs: readonly { readonly run: OpenRun; readonly endedMs: number }[];
}

/**
 * Who is lost: each life that has ever sent a heartbeat, is in touch by the ledger, and was last heard, by the time the
 * log recorded it, at least a lease ago; time in which nobody could be heard does not count.
 *
 * A run ends with a life if no other life of the worker may be the one that does it: one that is still there and began
 * before the run did. It ends when the life was last heard, or at the last that is known of the run itself.
 */
export function judge({ lives, runs }: WorkerRecord, lease: Lease): Loss[] {
  const lost = lives.filter((life) => isOverdue(life, lease)).sort((a, b) => b.sign.timeMs - a.sign.timeMs);
  const there = lives.filter((life) => isInTouch(life) && !isOverdue(life, lease));
  const losses: { life: Life; runs: { run: OpenRun; endedMs: number }[] }[] = lost.map((life) => ({
    ...{ life, runs: [] },
  }));
  for (const run of runs) {
    if (there.some((life) => life.sinceMs <= run.startedMs)) continue;
    // Of several, the youngest that was there when the run began; the oldest if its clock says that none was.
    const theirs = lost.filter((life) => life.sinceMs <= run.startedMs);
    const doer = theirs.sort((a, b) => b.sinceMs - a.sinceMs)[0] ?? oldest(lost);
    const loss = losses.find(({ life }) => life === doer);
    loss?.runs.push({ run, endedMs: Math.max(doer!.sign.timeMs, run.lastMs) });
  }
  return losses;
}

/** A life that has been heard. */
type HeardLife = Life & { readonly sign: NonNullable<Life['sign']> };

function isOverdue(life: Life, { nowMs, leaseMs, hearingSinceMs }: Lease): life is HeardLife {
  if (!life.beats || life.heardMs === null || !isInTouch(life)) return false;
  return nowMs - Math.max(life.heardMs, hearingSinceMs) >= leaseMs;
}

function oldest(lives: readonly HeardLife[]): HeardLife | undefined {
  return [...lives].sort((a, b) => a.sinceMs - b.sinceMs)[0];
}
