import { isConnection, type ReporterConnection } from '../connection.js';
import { Reporter, type ReporterOptions } from '../reporter.js';

interface Shared {
  readonly key: unknown;
  readonly reporter: Reporter;
  users: number;
}

const shared: Shared[] = [];
const CLOSE_MS = 5_000;

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
      if (mine.users > 0) return mine.reporter.flush({ deadlineMs });
      const at = shared.indexOf(mine);
      if (at >= 0) shared.splice(at, 1);
      return mine.reporter.close({ deadlineMs });
    },
  };
}

/** A lease on a reporter that belongs to the program. */
export function ownReporter(reporter: Reporter): Lease {
  return { reporter, release: (deadlineMs = CLOSE_MS) => reporter.flush({ deadlineMs }) };
}
