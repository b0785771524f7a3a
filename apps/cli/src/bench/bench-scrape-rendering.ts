import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import { formatCount } from '../support/numbers.js';
import { type BenchRow, percentile } from './bench-row.js';
import { ServedFamily } from './served-family.js';
import { type BenchContext } from './stage.js';

const SERIES = [10_000, 50_000];
const WARM_UP = 5;
const SAMPLES = 21;
const BLOCK_LIMIT_MS = 10;

const STATES = ['running', 'blocked', 'completed', 'failed'];
const TENANTS = 50;

/** What is rendered: families as they are in the catalogue, with as many series as wanted. */
const FAMILIES: Readonly<Record<string, (i: number) => Record<string, string>>> = {
  quipu_jobs: (i) => ({
    tenant: `tenant-${i % TENANTS}`,
    queue: `queue-${Math.floor(i / (TENANTS * STATES.length))}`,
    state: STATES[Math.floor(i / TENANTS) % STATES.length]!,
  }),
  quipu_jobs_finished: (i) => ({
    ...{ tenant: `tenant-${i % TENANTS}`, queue: `queue-${Math.floor(i / TENANTS)}` },
    outcome: 'completed',
  }),
  artifacts: (i) => ({ category: `category-${Math.floor(i / TENANTS)}`, scope: `tenant-${i % TENANTS}` }),
};

/**
 * Ten thousand and fifty thousand series, every value another at every scrape, against `prom-client`: by the classes
 * that the API serves them with, from totals to bytes.
 */
export async function benchRendering(context: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const full of SERIES) {
    const count = Math.max(100, Math.round(full * context.scale));
    for (const [name, labelsOf] of Object.entries(FAMILIES)) {
      context.say(`scrape: rendering ${formatCount(count)} series of ${name}`);
      rows.push(
        ...(await measure(
          name,
          Array.from({ length: count }, (_, i) => labelsOf(i)),
        )),
      );
    }
  }
  return rows;
}

async function measure(name: string, labels: readonly Record<string, string>[]): Promise<BenchRow[]> {
  const served = new ServedFamily(name, labels);
  const registry = new Registry();
  const { family } = served;
  const printed = family.type === 'counter' ? `${name}_total` : name;
  const labelNames = Object.keys(labels[0]!);
  const gauge = new Gauge({ name: printed, help: family.help, labelNames, registers: [registry] });
  const change = (round: number): void => {
    const value = (i: number): number => ((i * 7_919 + round * 104_729) % 1_000_003) + 1;
    for (const [i, one] of labels.entries()) gauge.set(one, value(i));
    served.change(value);
  };
  change(0);
  await checkSame(served, registry);
  const [ours, theirs, blocks]: [number[], number[], number[]] = [[], [], []];
  for (let round = -WARM_UP; round < SAMPLES; round += 1) {
    change(round);
    await settle();
    const whole = await timed(() => served.render());
    await settle();
    const reference = await timed(async () => Buffer.from(await registry.metrics()));
    if (round < 0) continue;
    ours.push(whole);
    theirs.push(reference);
  }
  // By itself: collecting the reference's garbage would count as ours.
  for (let round = 0; round < SAMPLES; round += 1) {
    change(round);
    await settle();
    blocks.push(await longestBlock(() => served.render()));
  }
  return rowsOf(`${formatCount(labels.length)} series of ${name}`, { ours, theirs, blocks });
}

/** What the changes left to be done, such as collecting garbage, is done before the clock runs. */
function settle(): Promise<void> {
  return sleep(5);
}

/** Milliseconds until the whole body lies there as bytes. */
async function timed(render: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await render();
  return performance.now() - startedAt;
}

/** The longest that the event loop stood still while something went on, ms. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let ended = false;
  const watched = (async () => {
    for (;;) {
      const stood = startBlock();
      await new Promise((resolve) => setImmediate(resolve));
      longest = Math.max(longest, stood());
      if (ended) return;
    }
  })();
  await work();
  ended = true;
  await watched;
  return longest;
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

/** A comparison of two bodies that differ would be worth nothing. */
async function checkSame(served: ServedFamily, registry: Registry): Promise<void> {
  const lines = (text: string): string =>
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('# TYPE'))
      .sort()
      .join('\n');
  const ours = (await served.render()).toString();
  if (lines(ours) !== lines(await registry.metrics())) throw new Error('the two renderings differ');
}

function rowsOf(
  what: string,
  { ours, theirs, blocks }: { ours: number[]; theirs: number[]; blocks: number[] },
): BenchRow[] {
  const [oursValue, referenceValue] = [percentile(ours, 0.5), percentile(theirs, 0.5)];
  const longest = Math.max(...blocks);
  return [
    {
      ...{ bench: 'scrape', name: `${what} (median)`, unit: 'ms' },
      ...{ oursValue, referenceValue, ratio: referenceValue / oursValue },
      ours: `${oursValue.toFixed(2)} ms`,
      reference: `${referenceValue.toFixed(2)} ms prom-client`,
      floor: { of: 'ratio', at: 'least', value: 5 },
    },
    {
      ...{ bench: 'scrape', name: `  ${what}: longest block of the event loop`, unit: 'ms' },
      ...{ oursValue: longest, referenceValue: Math.max(...theirs), ratio: Math.max(...theirs) / longest },
      ours: `${longest.toFixed(2)} ms`,
      reference: `${Math.max(...theirs).toFixed(2)} ms`,
      floor: { of: 'ours', at: 'most', value: BLOCK_LIMIT_MS },
    },
  ];
}
