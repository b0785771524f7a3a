import { TenantDirectory } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { type Cli } from '../support/cli.js';
import { databaseNow } from '../support/database-now.js';
import { createProgress, type Progress } from '../support/progress.js';
import { ensureProjector } from '../support/projector.js';
import { countConsumers, openQueue } from '../support/queue.js';
import { type Services, withServices } from '../support/services.js';
import { waitProjected } from '../support/wait-projected.js';
import { holdFailure } from './hold-failure.js';
import { importViaLog } from './import-log.js';
import { importViaQueue } from './import-queue.js';
import { detectFormat, type OpenedSource, openSource } from './open-source.js';
import { type ImportFormat, type ImportOptions } from './options.js';
import { noOutcome, type Outcome, settled } from './outcome.js';
import { regroup } from './regroup.js';
import { type SourceStats } from './source.js';

/** What an import did. */
export interface ImportReport {
  readonly file: string;
  readonly format: ImportFormat;
  readonly via: 'queue' | 'log';
  /** The `source` of the events, where they share one. */
  readonly source?: string;
  /** The instant the workload was shifted to end at (ms), if it was. */
  readonly endingMs?: number;
  readonly stats: SourceStats;
  readonly outcome: Outcome;
  /** Whether an interrupt ended it before the end of the file, or before all was in the log. */
  readonly interrupted: boolean;
  /** Whether the ledger had taken in everything when the command ended. */
  readonly projected: boolean;
  readonly elapsedMs: number;
}

const GROUP_EVENTS = 5_000;
const GROUP_BYTES = 8_000_000;

/** Imports a file; see {@link ImportOptions}. Ends when the events are in the log and in the ledger. */
export async function runImport(cli: Cli, options: ImportOptions, quiet: boolean): Promise<ImportReport> {
  const nowMs = cli.clock.now();
  const format = await detectFormat(options.file, options.format);
  const opened = await openSource(options, format, nowMs);
  try {
    return await withServices(cli, (services) => importInto(cli, services, options, opened, quiet));
  } finally {
    opened.input.close();
  }
}

async function importInto(
  cli: Cli,
  services: Services,
  options: ImportOptions,
  opened: OpenedSource,
  quiet: boolean,
): Promise<ImportReport> {
  const startedAt = Date.now();
  const { source, input, format } = opened;
  const { pool } = services;
  const log = new EventLog(pool);
  const queue = await openQueue(services);
  const projector = await ensureProjector(cli, services, queue);
  const signal = AbortSignal.any([cli.interrupted, projector.broken]);
  const outcome = noOutcome();
  const progress = createProgress(cli.terminal, {
    label: 'importing',
    total: input.totalBytes,
    unit: 'events',
    silent: quiet,
  });
  const context = {
    ...{ pool, log, outcome, signal },
    onProgress: () => progress.update(input.bytesRead(), settled(outcome)),
    onWait: () => progress.say('Postgres or Redis is away: waiting for it to come back.'),
  };
  const batches = holdFailure(source.batches);
  const groups = regroup(batches.items, GROUP_EVENTS, GROUP_BYTES);
  try {
    if (options.via === 'log') {
      const tenants = new TenantDirectory(pool, cli.clock);
      await importViaLog(groups, { ...context, tenants, tenantMode: services.config.tenants });
    } else {
      await importViaQueue(groups, {
        ...context,
        queue,
        consumers: () => countConsumers(queue, services.redisUrl),
        backfill: true,
        sinceMs: await databaseNow(pool),
        onNobodyThere: () => progress.say('Nobody takes events from the queue: is a projector running?'),
      });
    }
  } finally {
    progress.stop();
  }
  projector.broken.throwIfAborted();
  batches.throwIfFailed();
  const interrupted = cli.interrupted.aborted;
  const projected = interrupted ? false : await project(cli, services, log, signal, quiet);
  projector.broken.throwIfAborted();
  return {
    ...{ file: options.file, format, via: options.via, stats: source.stats, outcome, interrupted, projected },
    ...(source.name === undefined ? {} : { source: source.name }),
    ...(options.endingMs === undefined ? {} : { endingMs: options.endingMs }),
    elapsedMs: Date.now() - startedAt,
  };
}

/** Waits for the ledger to take in the log as it is now. */
async function project(
  cli: Cli,
  services: Services,
  log: EventLog,
  signal: AbortSignal,
  quiet: boolean,
): Promise<boolean> {
  const { position: head } = await log.head();
  let progress: Progress | undefined;
  let from: bigint | undefined;
  try {
    return await waitProjected(services.pool, head, {
      signal,
      onProgress: (at) => {
        from ??= at;
        progress ??= createProgress(cli.terminal, {
          label: 'projecting',
          total: Number(head - from),
          unit: 'events',
          silent: quiet,
        });
        progress.update(Number(at - from), Number(at - from));
      },
    });
  } finally {
    progress?.stop();
  }
}
