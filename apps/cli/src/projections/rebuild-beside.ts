import { recordAudit } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { buildLedger, codeHash, dropLedger, LEDGER_PROJECTION } from '@quipu/ledger';
import { createIoSteps, noIoSteps } from '@quipu/platform';
import { expectArchives } from '../archive/check-archives.js';
import { type Cli } from '../support/cli.js';
import { InterruptedError } from '../support/exit-codes.js';
import { createProgress, type Progress } from '../support/progress.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { type Services } from '../support/services.js';
import { note } from '../support/terminal.js';

/** How to build a generation. */
export interface BesideOptions {
  /** Say nothing on stderr. */
  readonly quiet: boolean;
  /** Whether it takes the place of the live one when it has caught up. */
  readonly promote: boolean;
  /** Whether the one that was live until then stays, for comparison. */
  readonly keep: boolean;
}

/** What a rebuild beside the live ledger came to. Positions and counts are decimal strings. */
export interface BesideReport {
  readonly schema: string;
  readonly position: string;
  /** Events folded by this command. */
  readonly events: string;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly promoted: boolean;
  /** The generation that was live before, and whether it is gone. */
  readonly retired: { readonly schema: string; readonly dropped: boolean } | null;
}

/** Builds a generation of the ledger beside the live one, with progress on stderr, and promotes it. @throws those of `expectArchives`. */
export async function rebuildBeside(
  cli: Cli,
  services: Services,
  options: BesideOptions,
): Promise<BesideReport> {
  const { pool, databaseUrl, archive } = services;
  await expectArchives(cli, services, options.quiet);
  const log = new EventLog(pool, noIoSteps, archive);
  let progress: Progress | undefined;
  const started = performance.now();
  try {
    const built = await buildLedger({
      ...{ databaseUrl, log, clock: cli.clock, logger: cli.logger, signal: cli.interrupted },
      ...{ promote: options.promote, io: createIoSteps(cli.env) },
      begun: ({ schemaName, resumed }) => {
        if (!options.quiet && resumed)
          note(cli.terminal, `Going on with ${schemaName}, which was begun before.`);
      },
      progress: ({ position, head, events }) => {
        progress ??= createProgress(cli.terminal, {
          ...{ label: 'rebuilding', total: Number(head), unit: 'events', silent: options.quiet },
        });
        progress.update(Number(position), events);
      },
    });
    progress?.stop();
    const { schemaName, promotion } = built;
    if (promotion !== null) {
      await recordAudit(pool, {
        ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'projection.promoted' },
        detail: {
          projection: LEDGER_PROJECTION,
          ...promotion,
          position: String(promotion.position),
          codeHash: codeHash(),
        },
      });
    }
    const dropped = promotion !== null && !options.keep && (await dropLedger(databaseUrl, promotion.retired));
    return {
      ...{ schema: schemaName, position: String(promotion?.position ?? built.position) },
      ...{ events: String(built.events), seconds: (performance.now() - started) / 1000 },
      ...{ eventsPerSecond: Math.round(built.eventsPerSecond), promoted: promotion !== null },
      retired: promotion === null ? null : { schema: promotion.retired, dropped },
    };
  } catch (error) {
    if (!cli.interrupted.aborted) throw error;
    progress?.stop();
    note(cli.terminal, 'Interrupted. The live ledger was not touched; the same command goes on from here.');
    throw new InterruptedError('Interrupted.');
  } finally {
    progress?.stop();
  }
}

/**
 * Drops a generation that is not live.
 * @returns false when something still reads it.
 */
export async function dropGeneration(cli: Cli, services: Services, schema: string): Promise<boolean> {
  const dropped = await dropLedger(services.databaseUrl, schema);
  if (dropped) {
    await recordAudit(services.pool, {
      ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'projection.dropped' },
      detail: { projection: LEDGER_PROJECTION, schema },
    });
  }
  return dropped;
}
