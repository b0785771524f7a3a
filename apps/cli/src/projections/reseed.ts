import { recordAudit } from '@quipu/access';
import { codeHash, LEDGER_PROJECTION, parseLedgerSchema, reseedLedger } from '@quipu/ledger';
import { readCheckpoint } from '@quipu/projection-engine';
import { type Cli } from '../support/cli.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { createProgress } from '../support/progress.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { type Services } from '../support/services.js';

/** What a reseed came to. */
export interface ReseedReport {
  /** Where the sums stand; a decimal string. */
  readonly position: string;
  readonly entities: number;
  readonly seconds: number;
}

/** Makes the live sums again from the stored states, with progress on stderr. */
export async function reseed(cli: Cli, services: Services, quiet: boolean): Promise<ReseedReport> {
  const { pool, databaseUrl } = services;
  const live = await readCheckpoint(pool, LEDGER_PROJECTION);
  if (live === null) throw new CommandFailedError('There is no live ledger in this database.');
  const { rows } = await pool.query<{ entities: string }>(
    `SELECT count(*) AS entities FROM ${parseLedgerSchema(live.schemaName)}.entities`,
  );
  const total = Number(rows[0]?.entities ?? 0);
  const progress = createProgress(cli.terminal, {
    ...{ label: 'reseeding', total, unit: 'entities', silent: quiet },
  });
  const started = performance.now();
  let entities = 0;
  try {
    const position = await reseedLedger({
      databaseUrl,
      progress: (done) => {
        entities = done;
        progress.update(done, done);
      },
    });
    await recordAudit(pool, {
      ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'projection.reseeded' },
      detail: { projection: LEDGER_PROJECTION, position: String(position), entities, codeHash: codeHash() },
    });
    return { position: String(position), entities, seconds: (performance.now() - started) / 1000 };
  } finally {
    progress.stop();
  }
}
