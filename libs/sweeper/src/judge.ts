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
  /** When the log last recorded something about the job, ms; 0 if that is too long ago to be known. */
  readonly recordedMs: number;
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

/** A life that is lost, and the runs that ended with it. */
export interface Loss {
  readonly life: Life;
  /** It was declared lost before: these runs alone are new. */
  readonly known: boolean;
  readonly runs: readonly { readonly run: OpenRun; readonly endedMs: number }[];
}

/**
 * Who is lost: each life that has ever sent a heartbeat, is in touch by the ledger, and was last heard, by the time the
 * log recorded it, at least a lease ago, and so were the runs it may be doing; time in which nobody could be heard does
 * not count.
 *
 * A run ends with a life if no other life of the worker may be the one that does it: one that is still there and began
 * before the run did. It ends when the life was last heard, or at the last that is known of the run itself. That holds
 * for lives that are lost already, too: a fact that came late may have opened a run of theirs.
 */
export function judge({ lives, runs }: WorkerRecord, lease: Lease): Loss[] {
  const spoken = runs.filter((run) => isRecent(run.recordedMs, lease));
  const overdue = lives.filter(
    (life): life is HeardLife => isOverdue(life, lease) && !spoken.some((run) => isDoer(life, run, lives)),
  );
  const there = lives.filter((life) => isInTouch(life) && !overdue.some((lost) => lost === life));
  const gone = [...overdue, ...lives.filter(isLost)];
  const ended = new Map<HeardLife, { run: OpenRun; endedMs: number }[]>();
  for (const run of runs) {
    if (spoken.includes(run) || there.some((life) => life.sinceMs <= run.startedMs)) continue;
    const doer = doerOf(run, gone);
    if (doer === undefined) continue;
    const endedMs = Math.max(doer.sign.timeMs, run.lastMs);
    ended.set(doer, [...(ended.get(doer) ?? []), { run, endedMs }]);
  }
  return gone.flatMap((life) => {
    const known = !overdue.includes(life);
    const theirs = ended.get(life) ?? [];
    return known && theirs.length === 0 ? [] : [{ life, known, runs: theirs }];
  });
}

/** A life that has been heard. */
type HeardLife = Life & { readonly sign: NonNullable<Life['sign']> };

function isRecent(recordedMs: number, { nowMs, leaseMs, hearingSinceMs }: Lease): boolean {
  return nowMs - Math.max(recordedMs, hearingSinceMs) < leaseMs;
}

function isOverdue(life: Life, lease: Lease): life is HeardLife {
  return life.beats && life.heardMs !== null && isInTouch(life) && !isRecent(life.heardMs, lease);
}

function isLost(life: Life): life is HeardLife {
  const { sign, lostMs, retired } = life;
  return !retired && sign !== null && lostMs !== null && lostMs >= sign.timeMs && !isInTouch(life);
}

function isDoer(life: Life, run: OpenRun, lives: readonly Life[]): boolean {
  return doerOf(run, lives.filter(isInTouch)) === life;
}

/** The youngest life that was there when a run began; the oldest, if by their clocks none was. */
function doerOf<L extends Life>(run: OpenRun, lives: readonly L[]): L | undefined {
  const byAge = [...lives].sort((a, b) => b.sinceMs - a.sinceMs);
  return byAge.find((life) => life.sinceMs <= run.startedMs) ?? byAge.at(-1);
}
