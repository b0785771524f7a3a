/**
 * Program of the child process that measures draining: `drain-main.js <jobs>` with DATABASE_URL and REDIS_URL
 * in the environment. Ingest belongs to the projector, so its own measurement is run, from its build; the
 * answer is one line of JSON.
 */
const MODULE = new URL('../../../projector/src/ingest/bench.js', import.meta.url).href;

interface IngestBench {
  readonly benchIngestDrain: (
    databaseUrl: string,
    redisUrl: string,
    jobs: number,
  ) => Promise<{ ours: number; reference: number; ratio: number }>;
}

const { benchIngestDrain } = (await import(MODULE)) as IngestBench;
const { DATABASE_URL = '', REDIS_URL = '' } = process.env;
const result = await benchIngestDrain(DATABASE_URL, REDIS_URL, Number(process.argv[2]));
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));

export {};
