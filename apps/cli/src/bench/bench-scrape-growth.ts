import { runApi } from '../support/api.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { formatCount } from '../support/numbers.js';
import { type Services } from '../support/services.js';
import { type BenchRow, percentile } from './bench-row.js';
import { load } from './load.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';

const EVENTS = 1_000_000;
const EVENTS_PER_JOB = 3;
const TOKEN = 'bench';
const WARM_UP = 30;
const SAMPLES = 150;
const WORKLOAD = { name: 'scrape', spanSeconds: 300 * 86_400, longestRun: 40_000, clusterPerJob: false };
/** Every scrape is rendered: none is answered from the one before. */
const UNCACHED = { QUIPU_METRICS_TOKEN: TOKEN, QUIPU_METRICS_CACHE_SECONDS: '0' };

interface Scraped {
  readonly series: number;
  readonly took: number;
}

/** A scrape of a real API over a million events, and of another over a tenth of them, in turns. */
export async function benchScrapeGrowth(context: BenchContext): Promise<BenchRow[]> {
  const all = Math.max(20, Math.round((EVENTS / EVENTS_PER_JOB) * context.scale));
  const tenth = Math.round(all / 10);
  return onStage(context, async (small) => {
    await fill(context, small, tenth);
    return onStage(context, async (large) => {
      await fill(context, large, all);
      const [ofSmall, ofLarge] = await scrapeInTurns(context, [small, large]);
      return [rowOf(all * EVENTS_PER_JOB, ofSmall!, ofLarge!)];
    });
  });
}

async function fill(context: BenchContext, stage: Stage, jobs: number): Promise<void> {
  context.say(`scrape: ${formatCount(jobs * EVENTS_PER_JOB)} events`);
  await withProjector(context, stage, (projector) => load(context, stage, projector, { ...WORKLOAD, jobs }));
  await stage.pool.query('VACUUM ANALYZE');
}

/** In turns, so that whatever else the machine does falls on all alike. */
async function scrapeInTurns(context: BenchContext, stages: readonly Stage[]): Promise<Scraped[]> {
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const apis: { url: string; times: number[]; text: string }[] = [];
    for (const stage of stages) {
      const services: Services = { ...stage.services, onClose: (closer) => closing.push(closer) };
      const { url } = await runApi(context.cli, services, UNCACHED);
      apis.push({ url: `${url}/metrics`, times: [], text: '' });
    }
    for (let round = -WARM_UP; round < SAMPLES; round += 1) {
      for (const api of apis) {
        const startedAt = performance.now();
        api.text = await get(api.url);
        if (round >= 0) api.times.push(performance.now() - startedAt);
      }
    }
    return apis.map(({ times, text }) => ({
      ...{
        took: percentile(times, 0.5),
        series: text.split('\n').filter((line) => /^[a-z]/.test(line)).length,
      },
    }));
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function get(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
  if (!answer.ok) throw new CommandFailedError(`${url} answered ${answer.status}.`);
  return answer.text();
}

function rowOf(events: number, small: Scraped, large: Scraped): BenchRow {
  const growth = large.took / small.took;
  const text = ({ took, series }: Scraped): string => `${took.toFixed(2)} ms, ${formatCount(series)} series`;
  return {
    ...{
      bench: 'scrape',
      name: `a scrape after ${formatCount(events)} events, grown (median)`,
      unit: 'times',
    },
    ...{ oursValue: growth, referenceValue: null, ratio: null },
    ours: `${growth.toFixed(2)}× (${text(large)})`,
    reference: `${text(small)} at 1/10`,
    floor: { of: 'ours', at: 'most', value: 1.3 },
  };
}
