import { recordAudit } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { codeHash, LEDGER_PROJECTION, rebuildLedger } from '@quipu/ledger';
import { noIoSteps } from '@quipu/platform';
import { expectArchives } from '../archive/check-archives.js';
import { type Cli } from '../support/cli.js';
import { InterruptedError } from '../support/exit-codes.js';
import { createProgress } from '../support/progress.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { type Services } from '../support/services.js';
import { note } from '../support/terminal.js';

/** What a rebuild came to. */
export interface RebuildReport {
  /** Where the ledger stands; a decimal string. */
  readonly position: string;
  /** Events of the log up to there. */
  readonly events: string;
  readonly seconds: number;
  readonly eventsPerSecond: number;
}

/** Empties the live tables and replays the log into them, with progress on stderr. @throws those of `expectArchives`. */
export async function rebuildInPlace(cli: Cli, services: Services, quiet: boolean): Promise<RebuildReport> {
  const { pool, databaseUrl, archive } = services;
  await expectArchives(cli, services, quiet);
  const log = new EventLog(pool, noIoSteps, archive);
  const events = await log.countAfter(0n);
  const audit = { projection: LEDGER_PROJECTION, events: String(events), codeHash: codeHash() };
  await recordAudit(pool, {
    ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'projection.rebuild_started' },
    detail: { ...audit, inPlace: true },
  });
  const progress = createProgress(cli.terminal, {
    ...{ label: 'rebuilding', total: Number(events), unit: 'events', silent: quiet },
  });
  const started = performance.now();
  try {
    const { position } = await rebuildLedger({
      ...{ databaseUrl, log, clock: cli.clock, logger: cli.logger, signal: cli.interrupted },
      // Positions stand for events: another runner of this code may do the work, and gaps are few.
      progress: (state) => progress.update(Number(state.position), Number(state.position)),
    });
    const seconds = (performance.now() - started) / 1000;
    return {
      ...{ position: String(position), events: String(events), seconds },
      eventsPerSecond: Math.round(Number(events) / Math.max(seconds, 0.001)),
    };
  } catch (error) {
    if (!cli.interrupted.aborted) throw error;
    note(cli.terminal, 'Interrupted. Nothing is lost: whatever runs the projector next goes on from here.');
    throw new InterruptedError('Interrupted.');
  } finally {
    progress.stop();
  }
}
