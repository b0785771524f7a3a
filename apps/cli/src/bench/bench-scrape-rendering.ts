import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { type Family, labelText, renderChunks, SeriesTable } from '@quipu/exposition';
import { Gauge, Registry } from 'prom-client';
import { formatCount } from '../support/numbers.js';
import { type BenchRow, percentile } from './bench-row.js';
import { type BenchContext } from './stage.js';

const SERIES = [10_000, 50_000];
const WARM_UP = 5;
const SAMPLES = 31;
const BLOCK_LIMIT_MS = 10;

const HEAD = { name: 'quipu_jobs', help: 'Jobs by tenant, queue, state and task.' };
const STATES = ['queued', 'delayed', 'blocked', 'running'];

/** Ten thousand and fifty thousand series, every value another at every scrape, against `prom-client`. */
export async function benchRendering(context: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const full of SERIES) {
    const count = Math.max(100, Math.round(full * context.scale));
    context.say(`scrape: rendering ${formatCount(count)} series`);
    rows.push(...(await measure(count)));
  }
  return rows;
}

async function measure(count: number): Promise<BenchRow[]> {
  const table = new SeriesTable();
  const registry = new Registry();
  const labelNames = ['tenant', 'queue', 'state', 'task'];
  const gauge = new Gauge({ ...HEAD, labelNames, registers: [registry] });
  const series = Array.from({ length: count }, (_, i) => {
    const labels = labelsOf(i);
    return { labels, text: labelText(Object.entries(labels)) };
  });
  const change = (round: number): void => {
    for (const [i, { labels, text }] of series.entries()) {
      const value = (i * 7_919 + round * 104_729) % 1_000_003;
      gauge.set(labels, value);
      table.set(text, String(value));
    }
  };
  change(0);
  await checkSame(table, registry);
  const [ours, theirs, blocks]: [number[], number[], number[]] = [[], [], []];
  for (let round = -WARM_UP; round < SAMPLES; round += 1) {
    change(round);
    await settle();
    const { whole } = await renderOurs(table);
    await settle();
    const reference = await renderTheirs(registry);
    if (round < 0) continue;
    ours.push(whole);
    theirs.push(reference);
  }
  // By itself: collecting the reference's garbage would count as ours.
  for (let round = 0; round < SAMPLES; round += 1) {
    change(round);
    await settle();
    blocks.push((await renderOurs(table)).block);
  }
  return rowsOf(count, { ours, theirs, blocks });
}

/** What the changes left to be done, such as collecting garbage, is done before the clock runs. */
function settle(): Promise<void> {
  return sleep(5);
}

function labelsOf(i: number): Record<string, string> {
  return {
    tenant: `tenant-${i % 50}`,
    queue: `queue-${Math.floor(i / 50) % 40}`,
    state: STATES[i % STATES.length]!,
    task: `task-${Math.floor(i / 2_000)}`,
  };
}

/** Milliseconds until the whole body lies there as bytes, and the longest that the event loop stood still. */
async function renderOurs(table: SeriesTable): Promise<{ whole: number; block: number }> {
  const startedAt = performance.now();
  const chunks: Buffer[] = [];
  let block = 0;
  let stood = startBlock();
  for (const chunk of renderChunks([familyOf(table)], 'text')) {
    chunks.push(Buffer.from(chunk));
    block = Math.max(block, stood());
    await turn();
    stood = startBlock();
  }
  Buffer.concat(chunks);
  return { block: Math.max(block, stood()), whole: performance.now() - startedAt };
}

/** Measures until it is called, ms: 0 if the system gave the processor to others meanwhile, which is not our doing. */
function startBlock(): () => number {
  const { involuntaryContextSwitches } = process.resourceUsage();
  const used = process.cpuUsage();
  const startedAt = performance.now();
  return () => {
    const took = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(used);
    const alone = process.resourceUsage().involuntaryContextSwitches === involuntaryContextSwitches;
    return alone ? Math.min(took, (user + system) / 1000) : 0;
  };
}

async function renderTheirs(registry: Registry): Promise<number> {
  const startedAt = performance.now();
  Buffer.from(await registry.metrics());
  return performance.now() - startedAt;
}

function familyOf(table: SeriesTable): Family {
  return { ...HEAD, type: 'gauge', series: table };
}

/** A comparison of two bodies that differ would be worth nothing. */
async function checkSame(table: SeriesTable, registry: Registry): Promise<void> {
  const lines = (text: string): string =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .sort()
      .join('\n');
  const ours = [...renderChunks([familyOf(table)], 'text')].join('');
  if (lines(ours) !== lines(await registry.metrics())) throw new Error('the two renderings differ');
}

function rowsOf(
  count: number,
  { ours, theirs, blocks }: { ours: number[]; theirs: number[]; blocks: number[] },
): BenchRow[] {
  const [oursValue, referenceValue] = [percentile(ours, 0.5), percentile(theirs, 0.5)];
  const longest = Math.max(...blocks);
  return [
    {
      ...{ bench: 'scrape', name: `rendering ${formatCount(count)} series (median)`, unit: 'ms' },
      ...{ oursValue, referenceValue, ratio: referenceValue / oursValue },
      ours: `${oursValue.toFixed(2)} ms`,
      reference: `${referenceValue.toFixed(2)} ms prom-client`,
      floor: { of: 'ratio', at: 'least', value: 5 },
    },
    {
      ...{ bench: 'scrape', name: '  longest block of the event loop', unit: 'ms' },
      ...{ oursValue: longest, referenceValue: Math.max(...theirs), ratio: Math.max(...theirs) / longest },
      ours: `${longest.toFixed(2)} ms`,
      reference: `${Math.max(...theirs).toFixed(2)} ms`,
      floor: { of: 'ours', at: 'most', value: BLOCK_LIMIT_MS },
    },
  ];
}
