import { TenantDirectory } from '@quipu/access';
import { type LogEvent } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { type Family, labelText, renderText, type Series } from '@quipu/exposition';
import { createPool, createRedis } from '@quipu/platform';
import { READER_SESSION, type Totals, TotalsReplica } from '@quipu/read-models';
import { Random } from '../demo/random.js';
import { formatCount } from '../support/numbers.js';
import { type CommandProjector } from '../support/projector.js';
import { waitProjected } from '../support/wait-projected.js';
import { type BenchRow, type Measured, timeAnswers } from './bench-row.js';
import { type FileSize, createFileTables, fileSizes } from './debusine-reference.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';

const FILES = 1_000_000;
const FILES_PER_ARTIFACT = 5;
const SCOPES = Array.from({ length: 10 }, (_, i) => `scope-${i}`);
const CATEGORIES = [
  ...['debian:autopkgtest', 'debian:binary-package', 'debian:binary-packages', 'debian:blhc'],
  ...['debian:debdiff', 'debian:lintian', 'debian:package-build-log', 'debian:source-package'],
  ...['debian:system-image', 'debian:system-tarball', 'debian:upload', 'debusine:test'],
];
const APPEND = 2_000;

/** Bytes of artifacts' files by category and scope: from the running totals, and by Debusine's SQL. */
export async function benchFileSizes(context: BenchContext): Promise<BenchRow[]> {
  const artifacts = Math.max(10, Math.round((FILES / FILES_PER_ARTIFACT) * context.scale));
  return onStage(context, async (stage) => {
    context.say(`scrape: ${formatCount(artifacts * FILES_PER_ARTIFACT)} files of artifacts`);
    await withProjector(context, stage, (projector) => appendArtifacts(stage, projector, artifacts));
    await createFileTables(stage.pool);
    await stage.pool.query('VACUUM ANALYZE');
    const pool = createPool(stage.services.databaseUrl, { session: READER_SESSION, max: 2 });
    const redis = createRedis(stage.services.redisUrl, 'producer');
    const replica = new TotalsReplica(pool, redis);
    try {
      const expected = await fileSizes(stage.pool);
      await replica.use((totals) => Promise.resolve(checkSame(totals, expected)));
      const ours = await timeAnswers({ samples: 500, warmUp: 50 }, () => replica.use(render));
      const theirs = await timeAnswers({ samples: 15, warmUp: 2 }, () => fileSizes(stage.pool));
      return [rowOf(artifacts * FILES_PER_ARTIFACT, ours, theirs)];
    } finally {
      replica.stop();
      redis.disconnect();
      await pool.end();
    }
  });
}

async function appendArtifacts(stage: Stage, projector: CommandProjector, count: number): Promise<void> {
  await new TenantDirectory(stage.pool).ensure(SCOPES, 'auto');
  const log = new EventLog(stage.pool);
  const random = new Random(1);
  for (let first = 0; first < count; first += APPEND) {
    const size = Math.min(APPEND, count - first);
    await log.append({ events: Array.from({ length: size }, (_, i) => artifact(random, first + i)) });
    projector.broken.throwIfAborted();
  }
  await waitProjected(stage.pool, (await log.head()).position, { signal: projector.broken });
  projector.broken.throwIfAborted();
}

function artifact(random: Random, index: number): LogEvent {
  const files = Array.from({ length: FILES_PER_ARTIFACT }, (_, i) => ({
    path: `file-${i}`,
    size: random.between(1, 100_000_000),
  }));
  return {
    ...{
      tenant: SCOPES[random.between(0, SCOPES.length - 1)]!,
      source: 'bench',
      id: `artifact-${index}`,
      type: 'artifact.created',
    },
    ...{ subject: `artifact/${index}`, time: Date.now(), dataversion: 1 },
    data: { category: CATEGORIES[random.between(0, CATEGORIES.length - 1)]!, files },
  };
}

function sizesIn(totals: Totals): FileSize[] {
  return [...totals.family('artifact_file_size').series.values()].map(({ tenant, labels, value }) => ({
    ...{ category: labels['category'] ?? '', scope: labels['scope'] ?? tenant, size: value },
  }));
}

/** As a scrape does it: from what the process keeps, once it is known to be of the ledger's position. */
function render(totals: Totals): Promise<string> {
  const series = sizesIn(totals).map(({ category, scope, size }): Series => {
    const labels = labelText([
      ['category', category],
      ['scope', scope],
    ]);
    return { labels, value: size };
  });
  const family: Family = { name: 'artifact_file_size', type: 'gauge', help: 'Bytes.', series };
  return Promise.resolve(renderText([family], 'openmetrics'));
}

/** A comparison of two numbers that differ would be worth nothing. */
function checkSame(totals: Totals, expected: readonly FileSize[]): void {
  const text = (sizes: readonly FileSize[]): string =>
    sizes
      .map(({ category, scope, size }) => `${category} ${scope} ${size}`)
      .sort()
      .join('\n');
  if (text(sizesIn(totals)) !== text(expected)) throw new Error('the totals and the SQL differ');
}

function rowOf(files: number, ours: Measured, theirs: Measured): BenchRow {
  return {
    ...{ bench: 'scrape', name: `artifact_file_size of ${formatCount(files)} files (median)`, unit: 'ms' },
    ...{ oursValue: ours.p50, referenceValue: theirs.p50, ratio: theirs.p50 / ours.p50 },
    ours: `${ours.p50.toFixed(2)} ms`,
    reference: `${theirs.p50.toFixed(0)} ms SQL`,
    floor: { of: 'ratio', at: 'least', value: 1_000 },
  };
}
