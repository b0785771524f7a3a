import { join } from 'node:path';
import { TenantDirectory } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { importViaLog } from '../import/import-log.js';
import { openInput } from '../import/input.js';
import { noOutcome } from '../import/outcome.js';
import { regroup } from '../import/regroup.js';
import { swfSource } from '../import/swf-source.js';
import { type CommandProjector } from '../support/projector.js';
import { waitProjected } from '../support/wait-projected.js';
import { type BenchContext, type Stage } from './stage.js';
import { type SyntheticWorkload, writeWorkload } from './synthetic-workload.js';

/** How long the parts of an import took. */
export interface LoadTimes {
  readonly events: number;
  /** Until all was in the log (s). */
  readonly appended: number;
  /** Until all was in the ledger as well (s). */
  readonly projected: number;
}

const GROUP_EVENTS = 5_000;
const GROUP_BYTES = 8_000_000;

/** Imports a synthetic workload the way `import --via log` does, and waits until it is projected. */
export async function load(
  context: BenchContext,
  stage: Stage,
  projector: CommandProjector,
  workload: SyntheticWorkload,
): Promise<LoadTimes> {
  const path = join(stage.directory, `${workload.name}.swf`);
  await writeWorkload(path, workload);
  const log = new EventLog(stage.pool);
  const outcome = noOutcome();
  const startedAt = performance.now();
  const input = await openInput(path);
  const source = swfSource(input.chunks, { tenantBy: 'group', nowMs: context.cli.clock.now() });
  await importViaLog(regroup(source.batches, GROUP_EVENTS, GROUP_BYTES), {
    ...{ pool: stage.pool, log, outcome, tenantMode: 'auto' },
    tenants: new TenantDirectory(stage.pool),
    signal: context.cli.interrupted,
    onProgress: () => undefined,
    onWait: () => undefined,
  });
  context.cli.interrupted.throwIfAborted();
  const appended = (performance.now() - startedAt) / 1000;
  await waitProjected(stage.pool, (await log.head()).position, { signal: projector.broken });
  projector.broken.throwIfAborted();
  return { events: outcome.added, appended, projected: (performance.now() - startedAt) / 1000 };
}
