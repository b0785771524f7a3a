import { type BenchName, BENCHES, type BenchRow } from './bench-row.js';
import { benchArchive } from './bench-archive.js';
import { benchDrain } from './bench-drain.js';
import { benchHttp } from './bench-http.js';
import { benchImport } from './bench-import.js';
import { benchLatency } from './bench-latency.js';
import { benchRebuild } from './bench-rebuild.js';
import { benchReporter } from './bench-reporter.js';
import { benchRestore } from './bench-restore.js';
import { benchScrape } from './bench-scrape.js';
import { benchUsage } from './bench-usage.js';
import { benchWhy } from './bench-why.js';
import { formatBytes } from '../support/numbers.js';
import { type BenchContext } from './stage.js';

const RUNNERS: Readonly<
  Record<Exclude<BenchName, 'memory'>, (context: BenchContext) => Promise<BenchRow[]>>
> = {
  import: benchImport,
  drain: benchDrain,
  http: benchHttp,
  usage: benchUsage,
  why: benchWhy,
  rebuild: benchRebuild,
  restore: benchRestore,
  latency: benchLatency,
  reporter: benchReporter,
  scrape: benchScrape,
  archive: benchArchive,
};

const MEMORY_LIMIT = 300_000_000;

/** Runs benches one after the other; the most memory that any projector took is the last line. */
export async function runBench(context: BenchContext, only?: BenchName): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const name of BENCHES) {
    if (name === 'memory' || (only !== undefined && only !== name)) continue;
    rows.push(...(await RUNNERS[name](context)));
    context.cli.interrupted.throwIfAborted();
  }
  return context.memory.peakBytes === 0 ? rows : [...rows, memoryRow(context.memory.peakBytes)];
}

function memoryRow(peakBytes: number): BenchRow {
  return {
    ...{ bench: 'memory', name: 'most memory of a projector, throughout', unit: 'bytes' },
    ...{ oursValue: peakBytes, referenceValue: null, ratio: null },
    ours: formatBytes(peakBytes),
    reference: '',
    floor: { of: 'ours', at: 'most', value: MEMORY_LIMIT },
  };
}
