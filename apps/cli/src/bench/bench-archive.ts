import { KeyStore, Principals, SUPERADMIN_TENANT, TenantDirectory } from '@quipu/access';
import { runApi } from '../support/api.js';
import { formatRate } from '../support/numbers.js';
import type { ArchiveAddress } from './archive-client.js';
import { runReference } from './archive-reference.js';
import { type ArchiveNumbers, type MeasuredArchive, measureArchive } from './archive-workload.js';
import { type BenchRow } from './bench-row.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';

const USER = 'bench';
const UNTHROTTLED = { QUIPU_REQUESTS_PER_KEY: '0', QUIPU_REQUESTS_PER_ADDRESS: '0' };

/**
 * What Gnocchi itself was measured at, with files as storage and Postgres as indexer, on two shared cores. Shown where
 * it is not installed; where it is, it is measured in the same run.
 */
const PUBLISHED: ArchiveNumbers = { thickLow: 36_770, thickHigh: 29_431, thin: 1_450, get: 5.2, across: 87 };

/** Measures in and out over HTTP, against a real API and projector, beside the real reference where it is installed. */
export async function benchArchive(context: BenchContext): Promise<BenchRow[]> {
  context.say('archive: thick and thin batches, reading, aggregation over 100 metrics');
  const ours = await onStage(context, (stage) =>
    withProjector(context, stage, async () => {
      const { url } = await runApi(context.cli, stage.services, UNTHROTTLED);
      return measureArchive(await ourArchive(stage, url), context.scale);
    }),
  );
  const measured = await onStage(context, async (stage) => {
    const reference = await runReference(stage, context.cli.env);
    if (reference === null) return null;
    context.say('archive: the same against the installed Gnocchi');
    return measureArchive(reference, context.scale);
  });
  if (measured === null)
    context.say('archive: no gnocchi-api and gnocchi-metricd here; its published figures');
  const source = measured === null ? 'published' : 'measured';
  const reference = measured ?? PUBLISHED;
  const rate = (name: string, key: 'thickLow' | 'thickHigh' | 'thin', least: number): BenchRow => ({
    ...{ bench: 'archive', name, unit: 'measures/s', ours: formatRate(ours[key]) },
    ...{ reference: `${formatRate(reference[key])} ${source}`, oursValue: ours[key] },
    ...{ referenceValue: reference[key], ratio: ours[key] / reference[key] },
    floor: { of: 'ratio', at: 'least', value: least },
  });
  const latency = (name: string, key: 'get' | 'across'): BenchRow => ({
    ...{ bench: 'archive', name, unit: 'ms', ours: `${ours[key].toFixed(2)} ms` },
    ...{ reference: `${reference[key].toFixed(1)} ms ${source}`, oursValue: ours[key] },
    ...{ referenceValue: reference[key], ratio: reference[key] / ours[key] },
    floor: { of: 'ratio', at: 'least', value: 2 },
  });
  return [
    rate('archive: 100 metrics × 1,000 points, policy low, until readable', 'thickLow', 2),
    rate('  the same, policy high', 'thickHigh', 2),
    rate('  20 requests of a point for each of 1,000 metrics, policy medium', 'thin', 10),
    latency('  GET measures (p50)', 'get'),
    latency('  POST /v1/aggregation/metric over 100 metrics (p50)', 'across'),
  ];
}

async function ourArchive({ pool }: Stage, url: string): Promise<MeasuredArchive> {
  await new TenantDirectory(pool).ensure([SUPERADMIN_TENANT], 'auto');
  const of = { tenantId: SUPERADMIN_TENANT, name: USER };
  await new Principals(pool).createPrincipal({ ...of, role: 'admin' });
  const { secret } = await new KeyStore(pool).createKey(of);
  const address: ArchiveAddress = { url, user: USER, password: secret, keepAlive: true };
  return {
    address,
    // A refresh waits for what is in the queue for the metrics that it is asked for.
    settled: async (client, metrics) => void (await client.across(metrics, 'aggregation=count&refresh=true')),
  };
}
