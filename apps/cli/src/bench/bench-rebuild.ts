import { EventLog } from '@quipu/event-log';
import { rebuildLedger } from '@quipu/ledger';
import { formatCount, formatRate } from '../support/numbers.js';
import { type BenchRow } from './bench-row.js';
import { load } from './load.js';
import { type BenchContext, onStage, withProjector } from './stage.js';

/** Emptying the ledger and replaying the log into it, in events per second. */
export async function benchRebuild(context: BenchContext): Promise<BenchRow[]> {
  const jobs = Math.round((500_000 / 3) * context.scale);
  const workload = {
    name: 'rebuild',
    jobs,
    spanSeconds: 86_400 * 300,
    longestRun: 40_000,
    clusterPerJob: false,
  };
  return onStage(context, async (stage) => {
    context.say(`rebuild: ${formatCount(jobs * 3)} events`);
    await withProjector(context, stage, (projector) => load(context, stage, projector, workload));
    const { eventsPerSecond } = await rebuildLedger({
      ...{ databaseUrl: stage.services.databaseUrl, log: new EventLog(stage.pool) },
      ...{ clock: context.cli.clock, logger: context.cli.logger },
    });
    return [
      {
        ...{ bench: 'rebuild', name: 'rebuilding the ledger from the log', unit: 'events/s' },
        ...{ oursValue: eventsPerSecond, referenceValue: null, ratio: null, floor: null },
        ours: formatRate(eventsPerSecond),
        reference: '',
      },
    ];
  });
}
