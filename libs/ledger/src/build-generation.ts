import { type Client } from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, type IoSteps, type Logger, ProjectionHaltedError } from '@quipu/platform';
import {
  type BatchLimits,
  beginGeneration,
  dropGeneration,
  GenerationError,
  type Promotion,
  ProjectionRunner,
  promoteGeneration,
  type RebuildLog,
  type RebuildProgress,
  vacuum,
  withMaintenanceClient,
} from '@quipu/projection-engine';
import { REPLAY_LIMITS, stateReader } from './ledger-runner.js';
import { ledgerTables } from './migrations/ledger-tables.js';
import { codeHash } from './projection/code-hash.js';
import { type LedgerBatch, LedgerProjection } from './projection/ledger-projection.js';
import { LEDGER_PROJECTION, LEDGER_VERSION, ledgerSchema, parseLedgerSchema } from './schema.js';

/** What {@link buildLedger} needs. */
export interface BuildLedgerOptions {
  readonly databaseUrl: string;
  readonly log: RebuildLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly io?: IoSteps;
  readonly limits?: Partial<BatchLimits>;
  /** Told when a generation was begun, or one of an earlier build found. */
  readonly begun?: (generation: { schemaName: string; resumed: boolean }) => void;
  readonly progress?: (progress: RebuildProgress) => void;
  /** Ends the build in good order; the next one goes on where it stands. */
  readonly signal?: AbortSignal;
  /** Whether the new generation takes the place of the live one once it has caught up. */
  readonly promote: boolean;
}

/** What a build came to. */
export interface BuiltLedger extends RebuildProgress {
  readonly schemaName: string;
  /** Null when it was not to be promoted. */
  readonly promotion: Promotion | null;
}

/** This far behind the head of the log, the rest is folded while the live projection stands still. */
const SMALL_LAG = 2_000n;
/** A batch of the live projection waits for its checkpoint no longer than its lock timeout, 10 s. */
const SETTLE_MS = 5_000;
const LOOK_EVERY_MS = 100;
const SETTLE_LOOK_MS = 5;

/**
 * Builds a generation of the ledger beside the live one, in tables of its own, from the beginning of the log, by a
 * runner of its own; once it has caught up, it takes the place of the live one in one transaction. Readers go on
 * with the old tables up to that very transaction, the projector follows by itself, Redis is loaded anew because the
 * ledger's epoch changes. What it leaves behind when it is killed is a generation that the next build goes on with.
 * @throws ProjectionHaltedError at a poison event; after a skip by name the next build goes on.
 * @throws GenerationError when somebody else builds at this moment.
 * @throws the reason of `signal` when that ended it.
 */
export async function buildLedger(options: BuildLedgerOptions): Promise<BuiltLedger> {
  const { databaseUrl } = options;
  return withMaintenanceClient(databaseUrl, async (client) => {
    const generation = await beginGeneration(client, {
      name: LEDGER_PROJECTION,
      version: LEDGER_VERSION,
      codeHash: codeHash(),
      schemaOf: ledgerSchema,
      tables: (n) => ledgerTables(ledgerSchema(n)),
    });
    options.begun?.(generation);
    const reader = stateReader(databaseUrl);
    const handler = new LedgerProjection({ reader, mirror: null });
    handler.attach(generation.schemaName);
    const runner = new ProjectionRunner<LedgerBatch>({
      ...options,
      limits: { ...REPLAY_LIMITS, ...options.limits },
      handler,
      building: generation.schemaName,
      pollMs: LOOK_EVERY_MS,
    });
    try {
      const progress = await catchUp(options, runner, generation.position);
      // Statistics and visibility for the first readers, and only then the rest: the log goes on meanwhile.
      await vacuum(client, handler.tables, 'ANALYZE');
      const promotion = options.promote ? await promote(client, options, generation, runner) : null;
      const { events } = runner.state();
      return { ...progress, events, schemaName: generation.schemaName, promotion };
    } finally {
      await runner.stop();
      await reader.end();
    }
  });
}

/** Drops a generation that is not live. See `dropGeneration`. */
export async function dropLedger(databaseUrl: string, schemaName: string): Promise<boolean> {
  return withMaintenanceClient(databaseUrl, (client) =>
    dropGeneration(client, LEDGER_PROJECTION, parseLedgerSchema(schemaName)),
  );
}

async function catchUp(
  { log, progress, signal }: BuildLedgerOptions,
  runner: ProjectionRunner<LedgerBatch>,
  from: bigint,
): Promise<RebuildProgress> {
  const started = performance.now();
  runner.start();
  for (;;) {
    const state = runner.state();
    const seconds = (performance.now() - started) / 1_000;
    const head = (await log.head()).position;
    const position = state.position ?? from;
    const now = { position, head, events: state.events, eventsPerSecond: state.events / seconds };
    progress?.(now);
    checkBuilder(runner);
    // Elected, in its own words: another builder may be at work on the same tables.
    if (state.phase === 'leading' && head - position <= SMALL_LAG) return now;
    if (signal?.aborted) throw reasonOf(signal);
    await pause(LOOK_EVERY_MS);
  }
}

function checkBuilder(runner: ProjectionRunner<LedgerBatch>): void {
  const { phase, halted, lastError, position } = runner.state();
  if (halted !== null) {
    throw new ProjectionHaltedError(`Halted at position ${halted.position}: ${halted.error}`, {
      hint: 'Mend the code or skip the event by name, then run the rebuild again: it goes on from there.',
    });
  }
  if (phase === 'refused') throw new GenerationError(lastError ?? 'The generation cannot be gone on with.');
  if (phase === 'following' && position !== null) {
    throw new GenerationError('Somebody else builds this generation at this moment.', {
      hint: 'Wait for that command, or end it; a build goes on where the last one stands.',
    });
  }
}

function promote(
  client: Client,
  { io }: BuildLedgerOptions,
  generation: { schemaName: string },
  runner: ProjectionRunner<LedgerBatch>,
): Promise<Promotion> {
  return promoteGeneration(client, {
    name: LEDGER_PROJECTION,
    schemaName: generation.schemaName,
    ...(io === undefined ? {} : { io }),
    settle: async (position) => {
      const until = performance.now() + SETTLE_MS;
      while ((runner.state().position ?? -1n) < position) {
        checkBuilder(runner);
        if (performance.now() > until) {
          throw new GenerationError('The new generation did not catch up in time.', { hint: 'Try again.' });
        }
        await pause(SETTLE_LOOK_MS);
      }
      await runner.stop();
    },
  });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error
    ? signal.reason
    : new DOMException(String(signal.reason), 'AbortError');
}
