import { benchIngestDrain } from '../../apps/projector/src/ingest/bench.js';

/**
 * Measures how fast queued single-event jobs are drained into the log, against a BullMQ worker that does
 * nothing: `node --import ./tools/ts.mjs test/bench/ingest-drain.ts [JOBS]`, with DATABASE_URL naming a
 * migrated database to fill and REDIS_URL a Redis to use.
 */
const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env;
if (databaseUrl === undefined || redisUrl === undefined) throw new Error('Set DATABASE_URL and REDIS_URL.');
const { ours, reference, ratio } = await benchIngestDrain(
  databaseUrl,
  redisUrl,
  Number(process.argv[2] ?? 100_000),
);
process.stdout.write(`ours ${ours}/s  reference ${reference}/s  ratio ${ratio.toFixed(2)}\n`);
