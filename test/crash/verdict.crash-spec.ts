import { systemClock } from '@quipu/platform';
import { runVerify } from '../../apps/cli/src/verify/run-verify.js';
import { killChildren } from './support/child-process.js';
import { openCrashLedger, type CrashLedger } from './support/crash-ledger.js';
import { fleetJobs, readFleet } from './support/fleet.js';
import { expectExact } from './support/verdict.js';

let ledger: CrashLedger;

beforeAll(async () => {
  ledger = await openCrashLedger();
  const events = readFleet();
  const projector = ledger.startProjector();
  await ledger.enqueue(fleetJobs(events, 2));
  await ledger.whenSettled(events.length, projector);
  // Nobody may heal what the tests break.
  await projector.stop();
}, 60_000);

afterAll(async () => {
  await killChildren();
  await ledger.drop();
});

describe('the verdict that this suite relies on', () => {
  it('is that an undisturbed run is exact', () => expectExact(ledger));

  it.each([
    ['amount', `UPDATE ledger_1.amounts SET value = value + 1 WHERE family = 'jobs_finished'`],
    ['amount', `DELETE FROM ledger_1.amounts WHERE family = 'nodes'`],
    ['member', `UPDATE ledger_1.members SET score = score + 1`],
    ['change', `DELETE FROM ledger_1.changes WHERE level = 3`],
    ['level-sum', `UPDATE ledger_1.level_buckets SET w1 = w1 + 1 WHERE bucket_kind = 3 AND n1 > 0`],
    ['level-sum', `UPDATE ledger_1.level_buckets SET max_t1 = max_t1 + 1 WHERE bucket_kind = 1 AND n1 > 0`],
    ['usage-key', `UPDATE ledger_1.usage_keys SET user_id = 'mallory' WHERE user_id IS NOT NULL`],
  ])('tells a wrong %s: %s', async (kind, damage) => {
    const table = /ledger_1\.\w+/.exec(damage)?.[0];
    const client = await ledger.pool.connect();
    try {
      await client.query(`CREATE TEMP TABLE intact AS TABLE ${table}`);
      await client.query(damage);
      const report = await verdict();
      await client.query(`TRUNCATE ${table}`);
      await client.query(`INSERT INTO ${table} TABLE intact`);
      await client.query('DROP TABLE intact');
      expect(report.ok).toBe(false);
      expect(report.examples.map((example) => example.kind)).toContain(kind);
      await expectExact(ledger);
    } finally {
      client.release();
    }
  });

  it('tells a wrong total in Redis', async () => {
    const fields = await ledger.redis.hgetall('{quipu}:totals');
    const field = Object.keys(fields).find((name) => name.startsWith('jobs|')) ?? '';
    await ledger.redis.hincrby('{quipu}:totals', field, 1);
    const report = await verdict();
    await ledger.redis.hincrby('{quipu}:totals', field, -1);
    expect(report.examples.map((example) => example.kind)).toEqual(['redis-total']);
    await expectExact(ledger);
  });
});

function verdict() {
  return runVerify({ pool: ledger.pool, redis: ledger.redis, clock: systemClock, examples: 1_000 });
}
