import { createLogger, systemClock } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import fc from 'fast-check';
import { cut } from '../../../../test/support/generators/arrivals.js';
import { worldEvents } from '../../../../test/support/generators/worlds.js';
import { LedgerBench, type LedgerDump } from '../../test/ledger-bench.js';
import { rebuildLedger, reseedLedger } from '../ledger-runner.js';
import { LEDGER_PROJECTION } from '../schema.js';
import { codeHash } from './code-hash.js';

/** `max_t` of every quarter-hour by definition, for whichever keys there are. */
const LATEST_BY_DEFINITION = `
  SELECT s.level, s.key_id, s.bucket, s.max_t, max(c.t) AS latest
  FROM ledger_1.level_sums s
  JOIN ledger_1.usage_keys g ON g.key_id = s.key_id
  JOIN ledger_1.changes c ON c.level = s.level AND c.t >= s.bucket AND c.t < s.bucket + 900000
  JOIN ledger_1.usage_keys k ON k.key_id = c.key_id
  WHERE s.bucket_kind = 1 AND (
    g.grain = 3 OR g.grain = 2 AND k.tenant = g.tenant OR g.grain = 0 AND k.key_id = g.key_id
    OR g.grain = 1 AND (k.tenant, k.services) = (g.tenant, g.services)
      AND (k.user_id, k.queue, k.template, k.provider, k.hardware, k.image)
        IS NOT DISTINCT FROM (g.user_id, g.queue, g.template, g.provider, g.hardware, g.image))
  GROUP BY 1, 2, 3, 4 HAVING s.max_t <> max(c.t)`;

describe('the ledger projection', () => {
  let bench: LedgerBench;
  const logger = createLogger('test', 'silent');

  beforeAll(async () => {
    bench = await LedgerBench.open();
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.close());

  const dumpWithoutPositions = async (): Promise<LedgerDump> => {
    const dump = await bench.dump();
    return { ...dump, entities: dump.entities.map((row) => row.replace(/,"last_position":\d+/, '')) };
  };

  it('writes the same rows, states included, however the log is cut into batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        worldEvents(8).chain((events) => fc.tuple(fc.constant(events), cut(events, 9))),
        async ([events, batches]) => {
          await bench.reset();
          await bench.start({ redis: null }).whenPosition(await bench.append(events));
          const whole = await dumpWithoutPositions();
          await bench.reset();
          const runner = bench.start({ redis: null, limits: { maxEvents: 3 } });
          for (const [i, batch] of batches.entries()) {
            const position = await bench.append(batch);
            if (i % 3 === 0) await runner.whenPosition(position);
          }
          await runner.whenPosition((await bench.log.head()).position);
          expect(await dumpWithoutPositions()).toEqual(whole);
          expect((await bench.database.pool.query(LATEST_BY_DEFINITION)).rows).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  it('makes the same tables when it is rebuilt, and when its sums are made again from the states', async () => {
    const [events] = fc.sample(worldEvents(40), { numRuns: 1, seed: 7 });
    const runner = bench.start({ redis: null, limits: { maxEvents: 11 } });
    const last = await bench.append(events!);
    await runner.whenPosition(last);
    await runner.stop();
    const live = await bench.dump();
    expect(live.level_buckets.length).toBeGreaterThan(50);

    const { pool, url } = bench.database;
    const before = (await readCheckpoint(pool, LEDGER_PROJECTION))!;
    await rebuildLedger({ databaseUrl: url, log: bench.log, clock: systemClock, logger });
    expect(await bench.dump()).toEqual(live);

    await pool.query('UPDATE ledger_1.amounts SET value = value + 1');
    await pool.query('DELETE FROM ledger_1.level_buckets WHERE bucket_kind = 2');
    // Sums that other code has made from the same states.
    await pool.query(`UPDATE projections SET code_hash = split_part(code_hash, ':', 1) || ':other'`);
    expect(await reseedLedger({ databaseUrl: url })).toBe(last);
    expect(await bench.dump()).toEqual(live);
    const after = (await readCheckpoint(pool, LEDGER_PROJECTION))!;
    expect(after).toMatchObject({ position: last, codeHash: codeHash() });
    expect(after.epoch).not.toBe(before.epoch);
  }, 60_000);

  it('goes on after its connection was killed at any write, without counting anything twice', async () => {
    const [events] = fc.sample(worldEvents(12), { numRuns: 1, seed: 11 });
    const last = await bench.append(events!);
    await bench.start({ redis: null }).whenPosition(last);
    const whole = await bench.dump();
    await bench.reset();
    await bench.append(events!);
    const killed = new Set<string>();
    const io = {
      async step(label: string) {
        if (!label.startsWith('projection.') || killed.has(label)) return;
        killed.add(label);
        await bench.database.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'quipu-projection-ledger'`,
        );
      },
    };
    const runner = bench.start({ redis: null, limits: { maxEvents: 7 }, io });
    await runner.whenPosition((await bench.log.head()).position);
    expect(killed.size).toBeGreaterThanOrEqual(16);
    const positions = /,"last_position":\d+/;
    const strip = (dump: LedgerDump) => ({
      ...dump,
      entities: dump.entities.map((row) => row.replace(positions, '')),
    });
    expect(strip(await bench.dump())).toEqual(strip(whole));
  }, 120_000);
});
