import { statSync } from 'node:fs';
import { join } from 'node:path';
import { restoreBackup } from '../backup/restore-backup.js';
import { writeBackup } from '../backup/write-backup.js';
import { formatBytes, formatCount, formatRate } from '../support/numbers.js';
import { type BenchRow } from './bench-row.js';
import { load } from './load.js';
import { type BenchContext, onStage, withProjector } from './stage.js';

/** Writing everything into a backup, and filling an empty database from it, in events per second. */
export async function benchRestore(context: BenchContext): Promise<BenchRow[]> {
  const jobs = Math.round((500_000 / 3) * context.scale);
  const workload = {
    ...{ name: 'restore', jobs, spanSeconds: 86_400 * 300, longestRun: 40_000, clusterPerJob: false },
  };
  const { clock, interrupted: signal, logger } = context.cli;
  return onStage(context, async (stage) => {
    context.say(`restore: ${formatCount(jobs * 3)} events`);
    const { events } = await withProjector(context, stage, (projector) =>
      load(context, stage, projector, workload),
    );
    const file = join(stage.directory, 'bench.backup');
    context.say('restore: backing up');
    const backup = await secondsOf(() =>
      writeBackup({
        ...{ databaseUrl: stage.services.databaseUrl, file, clock, signal },
        progress: () => undefined,
      }),
    );
    context.say('restore: restoring into an empty database');
    const restore = await onStage(context, (empty) =>
      secondsOf(() =>
        restoreBackup({
          ...{ databaseUrl: empty.services.databaseUrl, file, force: false, clock, logger, signal },
          progress: () => undefined,
        }),
      ),
    );
    const size = formatBytes(statSync(file).size);
    return [
      rowOf(`backup of log and ledger (${size})`, events / backup),
      rowOf('restore into an empty database, digests checked', events / restore),
    ];
  });
}

function rowOf(name: string, perSecond: number): BenchRow {
  return {
    ...{ bench: 'restore', name, unit: 'events/s', ours: formatRate(perSecond), reference: '' },
    ...{ oursValue: perSecond, referenceValue: null, ratio: null, floor: null },
  };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}
