import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatCount, formatRate } from '../support/numbers.js';
import { type BenchRow } from './bench-row.js';
import { type BenchContext, onStage } from './stage.js';

const PROGRAM = fileURLToPath(new URL('./drain-main.js', import.meta.url));
const run = promisify(execFile);

/**
 * Draining queued jobs of one event each into the log, against a BullMQ worker that does nothing draining
 * the same jobs with the same options. The ledger is off: it works behind the log.
 */
export async function benchDrain(context: BenchContext): Promise<BenchRow[]> {
  const jobs = Math.round(100_000 * context.scale);
  context.say(`drain: ${formatCount(jobs)} jobs of one event each`);
  return onStage(context, async ({ services }) => {
    const env = { ...context.cli.env, DATABASE_URL: services.databaseUrl, REDIS_URL: services.redisUrl };
    const { stdout } = await run(process.execPath, ['--no-warnings', PROGRAM, String(jobs)], { env });
    const { ours, reference, ratio } = JSON.parse(stdout) as {
      ours: number;
      reference: number;
      ratio: number;
    };
    return [
      {
        ...{ bench: 'drain', name: `draining ${formatCount(jobs)} queued jobs into the log`, unit: 'jobs/s' },
        ...{ oursValue: ours, referenceValue: reference, ratio },
        ours: formatRate(ours),
        reference: `${formatRate(reference)} no-op worker`,
        floor: { of: 'ratio', at: 'least', value: 0.5 },
      },
    ];
  });
}
