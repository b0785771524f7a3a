import { type BenchRow } from './bench-row.js';
import { benchRendering } from './bench-scrape-rendering.js';
import { type BenchContext } from './stage.js';

/** What a scrape costs, part by part. */
export async function benchScrape(context: BenchContext): Promise<BenchRow[]> {
  return benchRendering(context);
}
