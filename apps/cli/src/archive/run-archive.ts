import { recordAudit } from '@quipu/access';
import {
  archivePartition,
  type ArchivedPart,
  checkFiles,
  dropArchivedPartition,
  type MoveOptions,
  readArchivedParts,
} from '@quipu/event-log';
import { createIoSteps } from '@quipu/platform';
import { type Cli } from '../support/cli.js';
import { CheckFailedError } from '../support/exit-codes.js';
import { createProgress, type Progress } from '../support/progress.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { type Services } from '../support/services.js';
import { oldPartitions, type OldWish, type Partition, readPartitions } from './partitions.js';

/** What a run did. */
export interface ArchiveRun {
  readonly directory: string;
  /** In order; `freed` is what the partition took in the database, null while it is still there. */
  readonly parts: readonly { readonly part: ArchivedPart; readonly freed: number | null }[];
  /** Something still reads the log of before: the last part's partition is left for the next run. */
  readonly waiting: boolean;
  /** A partition without events, behind which old ones had to stay. */
  readonly blockedBy: Partition | null;
  readonly seconds: number;
}

const LABELS = { write: 'writing', check: 'reading back' } as const;

/** Moves old partitions to files, oldest first; a run that was killed is gone on with before anything else. */
export async function runArchive(
  cli: Cli,
  services: Services,
  wish: OldWish,
  { waitMs, quiet }: { readonly waitMs: number; readonly quiet: boolean },
): Promise<ArchiveRun> {
  const { pool, archive } = services;
  const directory = services.config.archiveDir;
  const started = performance.now();
  let progress: Progress | undefined;
  let total = 0;
  let phase = '';
  const options: MoveOptions = {
    ...{ pool, archive, directory, clock: cli.clock, io: createIoSteps(cli.env), signal: cli.interrupted },
    progress: (now, events) => {
      if (now !== phase) {
        progress?.stop();
        phase = now;
        progress = createProgress(cli.terminal, { label: LABELS[now], total, unit: 'events', silent: quiet });
      }
      progress?.update(events, events);
    },
    noted: (client, { first, end, events, file, sha256 }) =>
      recordAudit(client, {
        ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'log.archived' },
        detail: { first: String(first), end: String(end), events, file, sha256 },
      }),
  };
  const parts: { part: ArchivedPart; freed: number | null }[] = [];
  const drop = async (part: ArchivedPart, bytes: number): Promise<boolean> => {
    const dropped = await dropArchivedPartition(options, part, waitMs);
    parts.push({ part, freed: dropped ? bytes : null });
    return dropped;
  };
  const done = (waiting: boolean, blockedBy: Partition | null = null): ArchiveRun => ({
    ...{ directory, parts, waiting, blockedBy, seconds: (performance.now() - started) / 1000 },
  });
  try {
    const partitions = await readPartitions(pool);
    const sizes = new Map(partitions.map(({ first, bytes }) => [first, bytes]));
    const noted = await readArchivedParts(pool);
    for (const part of noted.filter(({ detachedMs }) => detachedMs === null)) {
      // It was checked when it was written; what happened to the file since, nobody saw.
      const [fault] = await checkFiles(directory, part, { signal: cli.interrupted });
      if (fault !== undefined) {
        throw new CheckFailedError(`${fault.file} is not what was archived: ${fault.why}.`, {
          hint: 'Its partition is still there: `./quipu archive restore --all` goes back to it.',
        });
      }
      if (!(await drop(part, sizes.get(part.first) ?? 0))) return done(true);
    }
    const left = partitions.filter(({ first }) => !noted.some((part) => part.first === first));
    const { old, blockedBy } = oldPartitions(left, wish);
    for (const { first, end, events, bytes } of old) {
      phase = '';
      total = events;
      const part = await archivePartition(options, { first, end });
      if (!(await drop(part, bytes))) return done(true);
    }
    return done(false, blockedBy);
  } finally {
    progress?.stop();
  }
}
