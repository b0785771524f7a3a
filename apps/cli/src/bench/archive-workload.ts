import { CommandFailedError } from '../support/exit-codes.js';
import { timeAnswers } from './bench-row.js';
import { ArchiveClient, type ArchiveAddress } from './archive-client.js';

/** An archive under measurement. */
export interface MeasuredArchive {
  readonly address: ArchiveAddress;
  /** Resolves when everything that was posted can be read; each request was for at least one of `metrics`. */
  settled(client: ArchiveClient, metrics: readonly string[]): Promise<void>;
}

/** What was measured of an archive. */
export interface ArchiveNumbers {
  /** Measures per second, from the first request until all can be read. */
  readonly thickLow: number;
  readonly thickHigh: number;
  readonly thin: number;
  /** ms, in the middle. */
  readonly get: number;
  readonly across: number;
}

/** Sizes at scale 1: those of the published figures. */
const THICK_METRICS = 100;
const THICK_POINTS = 1_000;
const THIN_METRICS = 1_000;
const THIN_REQUESTS = 20;
const START_S = 1_700_000_000;

/** Runs the workload against an archive; the same, byte for byte but for the ids, against every one. */
export async function measureArchive(archive: MeasuredArchive, scale: number): Promise<ArchiveNumbers> {
  const client = new ArchiveClient(archive.address);
  try {
    const low = await thick(client, archive, { policy: 'low', stepS: 30, scale });
    const get = await timeAnswers({ samples: 300, warmUp: 30, budgetMs: 10_000 }, () =>
      client.measures(low.ids[0]!, ''),
    );
    const across = await timeAnswers({ samples: 60, warmUp: 5, budgetMs: 10_000 }, () =>
      client.across(low.ids, 'aggregation=mean'),
    );
    const high = await thick(client, archive, { policy: 'high', stepS: 1, scale });
    const thin = await thinBatches(client, archive, scale);
    return { thickLow: low.rate, thickHigh: high.rate, thin, get: get.p50, across: across.p50 };
  } finally {
    client.close();
  }
}

/** Each request carries all points of a tenth of the metrics. */
async function thick(
  client: ArchiveClient,
  archive: MeasuredArchive,
  { policy, stepS, scale }: { policy: string; stepS: number; scale: number },
): Promise<{ ids: string[]; rate: number }> {
  const ids = await client.createMetrics(policy, THICK_METRICS);
  const points = Math.max(10, Math.round(THICK_POINTS * scale));
  const bodies = Array.from({ length: 10 }, (_, n) => {
    const some = ids.slice((n * ids.length) / 10, ((n + 1) * ids.length) / 10);
    const measures = (metric: number): unknown[] =>
      Array.from({ length: points }, (_, i) => measureAt(START_S + i * stepS, metric * 31 + i));
    return JSON.stringify(Object.fromEntries(some.map((id, metric) => [id, measures(metric)])));
  });
  const oneOfEach = bodies.map((_, n) => ids[(n * ids.length) / 10]!);
  const rate = await timed(client, archive, bodies, oneOfEach, ids.length * points);
  await expectCount(client, ids, points);
  return { ids, rate };
}

/** Each request carries one point of every metric. */
async function thinBatches(client: ArchiveClient, archive: MeasuredArchive, scale: number): Promise<number> {
  const ids = await client.createMetrics('medium', Math.max(10, Math.round(THIN_METRICS * scale)));
  const bodies = Array.from({ length: THIN_REQUESTS }, (_, n) =>
    JSON.stringify(
      Object.fromEntries(ids.map((id, metric) => [id, [measureAt(START_S + n * 60, metric + n)]])),
    ),
  );
  const rate = await timed(client, archive, bodies, ids.slice(0, 1), ids.length * THIN_REQUESTS);
  await expectCount(client, ids.slice(0, 50), THIN_REQUESTS);
  return rate;
}

function measureAt(second: number, n: number): { timestamp: number; value: number } {
  return { timestamp: second, value: ((n * 7_919) % 10_007) / 100 };
}

async function timed(
  client: ArchiveClient,
  archive: MeasuredArchive,
  bodies: readonly string[],
  metrics: readonly string[],
  measures: number,
): Promise<number> {
  const startedAt = performance.now();
  for (const body of bodies) await client.postBatch(body);
  await archive.settled(client, metrics);
  return measures / ((performance.now() - startedAt) / 1000);
}

/** A number that was reached by losing measures is none. */
async function expectCount(client: ArchiveClient, ids: readonly string[], expected: number): Promise<void> {
  for (const id of ids) {
    const series = await client.measures(id, 'aggregation=count');
    const coarsest = series[0]?.[1];
    const found = series.reduce(
      (sum, [, granularity, count]) => sum + (granularity === coarsest ? count : 0),
      0,
    );
    if (found !== expected) {
      throw new CommandFailedError(`Metric ${id} has ${found} measures of ${expected}.`);
    }
  }
}
