import { createPool, createRedis, startServices, type RunningServices, waitForExit } from '@quipu/platform';
import { migrate } from '@quipu/schema';
import { removeDirectories, silent, temporaryDirectory } from '../support/launcher.js';
import { killChildren, type Child } from './support/child-process.js';
import { crashLedgerOn, expectEachOnce, type CrashLedger } from './support/crash-ledger.js';
import { fleetJobs, manyFleets, type FleetEvent } from './support/fleet.js';
import { expectExact } from './support/verdict.js';
import { waitFor } from './support/wait-for.js';

const SOON = { withinMs: 60_000 };
const LIFECYCLE_EVENTS = '{quipu}:lifecycle-events:events';
/** At least: longer than anything that would be retried without being noticed. */
const OUTAGE_MS = 3_000;
const JOBS = 120;
/** A job that fails once is failed for good, and every job can be looked at when it is done. */
const STRICT = { attempts: 1, removeOnComplete: false };

const COPIES = 10;

let services: RunningServices;
let ledger: CrashLedger;
let projector: Child;

beforeAll(async () => {
  services = await startServices({ dataDir: temporaryDirectory() }, silent);
  const { databaseUrl, redisUrl } = services;
  await migrate(databaseUrl, silent);
  const pool = createPool(databaseUrl);
  const redis = createRedis(redisUrl, 'plain');
  ledger = crashLedgerOn({ databaseUrl, redisUrl, pool, redis }, async () => {
    redis.disconnect();
    await pool.end();
  });
  // One job after the other, so that the outage falls among them.
  projector = ledger.startProjector({ QUIPU_INGEST_CONCURRENCY: '2' });
}, 60_000);

afterAll(async () => {
  await killChildren();
  await ledger.drop();
  await services.stop();
  await removeDirectories();
}, 60_000);

describe('an outage while jobs are in flight', () => {
  it('of Postgres costs no job an attempt, and no event', async () => {
    const events = manyFleets(COPIES);
    const half = events.length / 2;
    await ledger.enqueue(fleetJobs(events.slice(0, half), JOBS / 2), STRICT);
    await arriving(1, half);
    await end(services.postgresPid);
    // Reports go on meanwhile.
    await ledger.enqueue(fleetJobs(events.slice(half), JOBS / 2), STRICT);
    await outage(async () => (await ledger.queue.getActiveCount()) === 0);
    expect(await ledger.queue.getWaitingCount()).toBeGreaterThanOrEqual(JOBS / 2);
    expect(await services.ensure()).toEqual(['Postgres']);
    await expectAllDone(events, JOBS);
  }, 90_000);

  it('of Redis costs no job an attempt, and no event', async () => {
    const events = manyFleets(2 * COPIES);
    const half = events.length / 2;
    await ledger.enqueue(fleetJobs(events.slice(half), JOBS), STRICT);
    await arriving(half + 1, events.length);
    const said = projector.output().length;
    await end(services.redisPid);
    await outage(() => projector.output().length > said);
    expect(await services.ensure()).toEqual(['Redis']);
    await expectAllDone(events, 2 * JOBS);
  }, 90_000);
});

/** Waits until the log holds `least` events, when it must not hold `all` yet. */
async function arriving(least: number, all: number): Promise<void> {
  const logged = await waitFor(
    `${least} events in the log`,
    async () => {
      const standing = await ledger.standing();
      return standing.logged >= least && standing.logged;
    },
    { ...SOON, everyMs: 10, explain: projector.output },
  );
  expect(logged).toBeLessThan(all);
}

/** Ends a service the hard way, with its clients still connected. */
async function end(pid: number | undefined): Promise<void> {
  if (pid === undefined) throw new Error('The service is not an embedded one.');
  process.kill(pid, 'SIGKILL');
  expect(await waitForExit(pid, 60_000)).toBe(true);
}

/** Lets the outage last until the projector has noticed it; it must live through it. */
async function outage(noticed: () => Promise<boolean> | boolean): Promise<void> {
  const until = Date.now() + OUTAGE_MS;
  const over = async (): Promise<boolean> =>
    projector.exit() !== null || (Date.now() > until && (await noticed()));
  await waitFor('the projector to notice the outage', over, { ...SOON, explain: projector.output });
  expect(projector.exit()).toBeNull();
}

/** Everything is in the log and in every number, and each of the `jobs` so far was completed by its first attempt. */
async function expectAllDone(events: readonly FleetEvent[], jobs: number): Promise<void> {
  await ledger.whenSettled(events.length, projector);
  expect(projector.exit()).toBeNull();
  await expectEachOnce(ledger, events);
  await expectExact(ledger);
  const told = await ledger.redis.xrange(LIFECYCLE_EVENTS, '-', '+');
  const kinds = new Set(told.map(([, fields]) => fields[fields.indexOf('event') + 1]));
  expect([...kinds].filter((kind) => kind === 'failed' || kind === 'retries-exhausted')).toEqual([]);
  // BullMQ counts the attempt that completes a job, too.
  const attempts = (await ledger.queue.getCompleted()).map((job) => job.attemptsMade);
  expect(attempts).toEqual(Array.from({ length: jobs }, () => 1));
}
