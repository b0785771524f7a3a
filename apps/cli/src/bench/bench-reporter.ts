import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatCount, formatRate } from '../support/numbers.js';
import { type BenchRow } from './bench-row.js';
import { type Rates, type ReporterBench } from './reporter-main.js';
import { type BenchContext, onStage } from './stage.js';

const PROGRAM = fileURLToPath(new URL('./reporter-main.js', import.meta.url));
const run = promisify(execFile);

/**
 * What it costs a program to report: processor time per event, and what its workers still get done. Nothing takes
 * the events from the queue meanwhile.
 */
export async function benchReporter(context: BenchContext): Promise<BenchRow[]> {
  const events = Math.round(200_000 * context.scale);
  const jobs = Math.round(12_000 * context.scale);
  context.say(`reporter: ${formatCount(events)} events; workers with ${formatCount(jobs)} jobs each`);
  return onStage(context, async ({ services }) => {
    const env = { ...context.cli.env, REDIS_URL: services.redisUrl };
    const { stdout } = await run(process.execPath, ['--no-warnings', PROGRAM, String(events), String(jobs)], {
      env,
    });
    const { cpuMicros, eventsPerSecond, idle, working } = JSON.parse(stdout) as ReporterBench;
    return [
      {
        ...{ bench: 'reporter', name: 'processor time per reported event', unit: 'µs' },
        ...{ oursValue: cpuMicros, referenceValue: null, ratio: null },
        ours: `${cpuMicros.toFixed(2)} µs`,
        reference: '',
        floor: { of: 'ours', at: 'most', value: 10 },
      },
      {
        ...{ bench: 'reporter', name: 'events of one process into the queue', unit: 'events/s' },
        ...{ oursValue: eventsPerSecond, referenceValue: null, ratio: null },
        ours: formatRate(eventsPerSecond),
        reference: '',
        floor: null,
      },
      workerRow('instrumented worker, jobs that do nothing', idle, 0.5),
      workerRow('instrumented worker, jobs of 5 ms', working, 0.95),
    ];
  });
}

function workerRow(name: string, { ours, bare }: Rates, least: number): BenchRow {
  return {
    ...{ bench: 'reporter', name, unit: 'jobs/s' },
    ...{ oursValue: ours, referenceValue: bare, ratio: ours / bare },
    ours: formatRate(ours),
    reference: `${formatRate(bare)} bare worker`,
    floor: { of: 'ratio', at: 'least', value: least },
  };
}
