import { type BenchRow } from './bench-row.js';
import { benchFileSizes } from './bench-scrape-files.js';
import { benchScrapeGrowth } from './bench-scrape-growth.js';
import { benchRendering } from './bench-scrape-rendering.js';
import { type BenchContext } from './stage.js';

/** What a scrape costs: writing it down, a sum over what there is, and what it does not cost, history. */
export async function benchScrape(context: BenchContext): Promise<BenchRow[]> {
  return [
    ...(await benchRendering(context)),
    ...(await benchFileSizes(context)),
    ...(await benchScrapeGrowth(context)),
  ];
}
