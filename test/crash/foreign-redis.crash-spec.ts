import { killChildren, type Child } from './support/child-process.js';
import { openCrashLedger, type CrashLedger } from './support/crash-ledger.js';
import { fleetJobs, readFleet } from './support/fleet.js';
import { dumpTotals, restoreTotals } from './support/redis-copy.js';
import { expectExact } from './support/verdict.js';
import { waitFor } from './support/wait-for.js';

const TOTALS = '{quipu}:totals';
const SOON = { withinMs: 60_000 };

const events = readFleet();
const half = Math.floor(events.length / 2);
const earlier = events.slice(0, half);
const later = events.slice(half);

let ledger: CrashLedger;

beforeEach(async () => {
  ledger = await openCrashLedger();
});

afterEach(async () => {
  await killChildren();
  await ledger.drop();
});

describe('running totals in a Redis that is not this ledger’s own', () => {
  it('are recognised by their epoch, though the position is the same, and loaded anew', async () => {
    const foreign = await openCrashLedger();
    try {
      await project(foreign, later.slice(0, half)).then(({ projector }) => projector.stop());
      const { projector } = await project(ledger, earlier);
      await projector.stop();
      const [mine, theirs] = await Promise.all([ledger.standing(), foreign.standing()]);
      expect(mine.totals).toBe(theirs.totals);

      const started = ledger.startProjector({ REDIS_URL: foreign.redisUrl });
      await healed({ pool: ledger.pool, redis: foreign.redis }, started);
    } finally {
      await foreign.drop();
    }
  }, 60_000);

  it('are recognised as an older copy of the same ledger, while the projector runs', async () => {
    const { projector } = await project(ledger, earlier);
    const copy = await dumpTotals(ledger.redis);
    await ledger.enqueue(fleetJobs(later, 2));
    await ledger.whenSettled(events.length, projector);

    await restoreTotals(ledger.redis, copy);
    await healed(ledger, projector);
  }, 60_000);

  it('are recognised as an older copy of the same ledger, restored while nobody looked', async () => {
    const { projector } = await project(ledger, earlier);
    const copy = await dumpTotals(ledger.redis);
    await ledger.enqueue(fleetJobs(later, 2));
    await ledger.whenSettled(events.length, projector);
    await projector.stop();

    await restoreTotals(ledger.redis, copy);
    await healed(ledger, ledger.startProjector());
  }, 60_000);

  it.each([
    ['flushed', (key: string) => ledger.redis.del(key)],
    ['marked as half-written', (key: string) => ledger.redis.hset(key, '@position', '!')],
    ['without a position', (key: string) => ledger.redis.hdel(key, '@position')],
    [
      'of an unknown epoch',
      (key: string) => ledger.redis.hset(key, '@epoch', 'elsewhere', 'jobs|acme|{}', '9'),
    ],
  ])(
    'are loaded anew when they are %s',
    async (_, damage) => {
      const { projector } = await project(ledger, events);
      await damage(TOTALS);
      await healed(ledger, projector);
    },
    60_000,
  );
});

/** Sends events through the queue and waits until a new projector has brought them everywhere. */
async function project(to: CrashLedger, some: typeof events): Promise<{ projector: Child }> {
  const projector = to.startProjector();
  await to.enqueue(fleetJobs(some, 2));
  await to.whenSettled(some.length, projector);
  return { projector };
}

/** Waits until the totals claim to be this ledger's at its checkpoint, and verifies that they are. */
async function healed(stores: Pick<CrashLedger, 'pool' | 'redis'>, projector: Child): Promise<void> {
  const claims = async (): Promise<boolean> => {
    const { rows } = await stores.pool.query<{ epoch: string; position: string }>(
      `SELECT epoch::text, position::text FROM ledger_epoch, projections WHERE status = 'live'`,
    );
    const [epoch, position] = await stores.redis.hmget(TOTALS, '@epoch', '@position');
    return rows[0]?.epoch === epoch && rows[0]?.position === position;
  };
  await waitFor('the totals to be this ledger’s again', claims, { ...SOON, explain: projector.output });
  await expectExact(stores);
}
