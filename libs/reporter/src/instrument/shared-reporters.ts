import { isConnection, type ReporterConnection } from '../connection.js';
import { Reporter, type ReporterOptions } from '../reporter.js';

interface Shared {
  readonly key: unknown;
  readonly reporter: Reporter;
  users: number;
}

const shared: Shared[] = [];
const CLOSE_MS = 5_000;

/** Until when it is worth waiting for a reporter that gets nothing through. */
interface Patience {
  /** Time of the monotonic clock, ms. */
  readonly untilMs: number;
  /** Events that the queue had by then. */
  readonly sent: number;
}

const patience = new WeakMap<Reporter, Patience>();

/**
 * Waits for a reporter, but no longer in all than once: with the queue away, a program that closes one thing after
 * another would otherwise wait for each of them. An event that gets through begins the time anew.
 */
async function patiently(
  reporter: Reporter,
  deadlineMs: number,
  work: (deadlineMs: number) => Promise<number>,
): Promise<number> {
  const now = performance.now();
  const { sent } = reporter.stats();
  let mine = patience.get(reporter);
  if (mine?.sent !== sent) patience.set(reporter, (mine = { untilMs: now + deadlineMs, sent }));
  const left = await work(Math.max(0, Math.min(deadlineMs, mine.untilMs - now)));
  if (left === 0 && patience.get(reporter) === mine) patience.delete(reporter);
  return left;
}

/** A reporter, and how to be done with it: whoever is last closes it, the others flush it. */
export interface Lease {
  readonly reporter: Reporter;
  release(deadlineMs?: number): Promise<unknown>;
}

/** One reporter for everything in this process that reports to the same place. */
export function sharedReporter(
  connection: ReporterConnection,
  options: Omit<ReporterOptions, 'connection'>,
): Lease {
  const key = isConnection(connection) ? connection : JSON.stringify(connection);
  let found = shared.find((one) => one.key === key);
  if (found === undefined) {
    found = { key, reporter: new Reporter({ connection, ...options }), users: 0 };
    shared.push(found);
  }
  const mine = found;
  mine.users += 1;
  let released = false;
  return {
    reporter: mine.reporter,
    release(deadlineMs = CLOSE_MS) {
      if (!released) mine.users -= 1;
      released = true;
      const { reporter } = mine;
      if (mine.users > 0) return patiently(reporter, deadlineMs, (ms) => reporter.flush({ deadlineMs: ms }));
      const at = shared.indexOf(mine);
      if (at >= 0) shared.splice(at, 1);
      return patiently(reporter, deadlineMs, (ms) => reporter.close({ deadlineMs: ms }));
    },
  };
}

/** A lease on a reporter that belongs to the program. */
export function ownReporter(reporter: Reporter): Lease {
  return {
    reporter,
    release: (deadlineMs = CLOSE_MS) =>
      patiently(reporter, deadlineMs, (ms) => reporter.flush({ deadlineMs: ms })),
  };
}
