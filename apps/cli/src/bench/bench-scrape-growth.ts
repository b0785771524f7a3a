import { runApi } from '../support/api.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { formatCount } from '../support/numbers.js';
import { type Services } from '../support/services.js';
import { type BenchRow, type Measured, timeAnswers } from './bench-row.js';
import { load } from './load.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';

const EVENTS = 1_000_000;
const EVENTS_PER_JOB = 3;
const TOKEN = 'bench';
const WORKLOAD = { name: 'scrape', spanSeconds: 300 * 86_400, longestRun: 40_000, clusterPerJob: false };
/** Every scrape is rendered: none is answered from the one before. */
const UNCACHED = { QUIPU_METRICS_TOKEN: TOKEN, QUIPU_METRICS_CACHE_SECONDS: '0' };

interface Scraped {
  readonly series: number;
  readonly took: Measured;
}

/** A scrape of a real API over a million events, against itself over a tenth of them. */
export async function benchScrapeGrowth(context: BenchContext): Promise<BenchRow[]> {
  const all = Math.max(20, Math.round((EVENTS / EVENTS_PER_JOB) * context.scale));
  const tenth = Math.round(all / 10);
  return onStage(context, async (stage) => {
    const fill = async (jobs: number, firstJob: number): Promise<Scraped> => {
      const events = (firstJob + jobs - 1) * EVENTS_PER_JOB;
      context.say(`scrape: /metrics after ${formatCount(events)} events`);
      await withProjector(context, stage, (projector) =>
        load(context, stage, projector, { ...WORKLOAD, jobs, firstJob }),
      );
      return scrape(context, stage);
    };
    const small = await fill(tenth, 1);
    const large = await fill(all - tenth, tenth + 1);
    return [rowOf(all * EVENTS_PER_JOB, small, large)];
  });
}

async function scrape(context: BenchContext, stage: Stage): Promise<Scraped> {
  await stage.pool.query('VACUUM ANALYZE');
  const closing: (() => Promise<unknown>)[] = [];
  const services: Services = { ...stage.services, onClose: (closer) => closing.push(closer) };
  try {
    const { url } = await runApi(context.cli, services, UNCACHED);
    let text = '';
    const took = await timeAnswers(
      { samples: 200, warmUp: 50 },
      async () => (text = await get(`${url}/metrics`)),
    );
    return { took, series: text.split('\n').filter((line) => /^[a-z]/.test(line)).length };
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
  const growth = large.took.p50 / small.took.p50;
  const text = ({ took, series }: Scraped): string =>
    `${took.p50.toFixed(2)} ms, ${formatCount(series)} series`;
  return {
    ...{ bench: 'scrape', name: `a scrape after ${formatCount(events)} events, grown`, unit: 'times' },
    ...{ oursValue: growth, referenceValue: null, ratio: null },
    ours: `${growth.toFixed(2)}× (${text(large)})`,
    reference: `${text(small)} at 1/10`,
    floor: { of: 'ours', at: 'most', value: 1.3 },
  };
}
