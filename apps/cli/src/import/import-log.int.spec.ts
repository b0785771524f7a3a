import { createReadStream } from 'node:fs';
import { TenantDirectory } from '@quipu/access';
import { type LogEvent } from '@quipu/contracts';
import { type AppendBatch, type AppendResult, EventLog } from '@quipu/event-log';
import { type Pool } from 'pg';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { importViaLog } from './import-log.js';
import { noOutcome, type Outcome, settled } from './outcome.js';
import { regroup } from './regroup.js';
import { type SourceBatch } from './source.js';
import { swfSource } from './swf-source.js';

const SMALL = 'test/fixtures/swf/small.swf';
const NOW = Date.parse('2026-11-20T08:00:00Z');

interface Given {
  readonly batches: AsyncIterable<SourceBatch>;
  readonly log?: EventLog;
  readonly tenantMode?: 'auto' | 'strict';
  readonly groupSize?: number;
}

let database: TestDatabase;
let pool: Pool;

beforeEach(async () => {
  database = await testDatabase();
  pool = database.pool;
});

afterEach(() => database.drop());

function small(): AsyncIterable<SourceBatch> {
  return swfSource(createReadStream(SMALL), { tenantBy: 'group', nowMs: NOW }).batches;
}

async function run(given: Given): Promise<Outcome> {
  const outcome = noOutcome();
  await importViaLog(regroup(given.batches, given.groupSize ?? 100, 1_000_000), {
    ...{ pool, outcome, log: given.log ?? new EventLog(pool), tenantMode: given.tenantMode ?? 'auto' },
    tenants: new TenantDirectory(pool),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onWait: () => undefined,
  });
  return outcome;
}

async function* batchOf(
  events: LogEvent[],
  refused: SourceBatch['refused'] = [],
): AsyncGenerator<SourceBatch> {
  yield await Promise.resolve({ events, refused, bytes: 100 });
}

function event(id: string, tenant = 'acme', user = 'ann'): LogEvent {
  const data = { user };
  return {
    tenant,
    source: 'test',
    id,
    type: 'job.queued',
    subject: `job/q/${id}@1`,
    time: NOW,
    dataversion: 1,
    data,
  };
}

describe('importing straight into the log', () => {
  it('adds every event once, however often it is repeated', async () => {
    const first = await run({ batches: small() });
    expect(first).toMatchObject({ duplicates: 0, conflicts: 0 });
    expect(first.added).toBeGreaterThan(300);
    expect([...first.tenants].sort()).toEqual(['g1', 'g2', 'g3']);
    const again = await run({ batches: small(), groupSize: 7 });
    expect(again).toMatchObject({ added: 0, duplicates: first.added });
    const { rows } = await pool.query(
      'SELECT count(*)::int AS count, count(DISTINCT event_id)::int AS ids FROM log',
    );
    expect(rows).toEqual([{ count: first.added, ids: first.added }]);
  });

  it('brings the tenants it meets into being', async () => {
    await run({ batches: small() });
    const tenants = await new TenantDirectory(pool).list();
    expect(tenants.map(({ id, origin }) => [id, origin])).toEqual([
      ['g1', 'event'],
      ['g2', 'event'],
      ['g3', 'event'],
      ['superadmin', 'system'],
    ]);
  });

  it('keeps events of unknown tenants as dead letters where tenants are strict', async () => {
    await new TenantDirectory(pool).create({ id: 'g1' });
    const outcome = await run({ batches: small(), tenantMode: 'strict' });
    expect([...outcome.tenants]).toEqual(['g1']);
    const { rows } = await pool.query(`SELECT DISTINCT tenant FROM log`);
    expect(rows).toEqual([{ tenant: 'g1' }]);
    const letters = await new EventLog(pool).countDeadLetters();
    expect(letters.get('unknown-tenant')).toBe(outcome.refused.get('unknown-tenant'));
    expect(outcome.refused.get('unknown-tenant')).toBeGreaterThan(100);
  });

  it('counts conflicts, and keeps what is no event', async () => {
    const refused = [{ raw: Buffer.from('{'), reason: 'malformed' as const, detail: 'not JSON' }];
    const outcome = await run({
      batches: batchOf([event('1'), event('2'), event('1', 'acme', 'bob')], refused),
    });
    expect(outcome).toMatchObject({ added: 2, conflicts: 1 });
    expect(Object.fromEntries(outcome.refused)).toEqual({ malformed: 1 });
    expect(settled(outcome)).toBe(4);
    const letters = await new EventLog(pool).countDeadLetters();
    expect(Object.fromEntries(letters)).toEqual({ malformed: 1, 'id-conflict': 1 });
  });

  it('counts its own events as new when the answer to an append got lost', async () => {
    class LossyLog extends EventLog {
      private calls = 0;
      override async append(batch: AppendBatch): Promise<AppendResult> {
        const result = await super.append(batch);
        this.calls += 1;
        if (this.calls % 2 === 1) {
          throw Object.assign(new Error('terminating connection due to administrator command'), {
            code: '57P01',
          });
        }
        return result;
      }
    }
    await run({ batches: batchOf([event('known')]) });
    const outcome = await run({
      batches: batchOf([event('known'), event('a'), event('b'), event('c')]),
      log: new LossyLog(pool),
      groupSize: 2,
    });
    expect(outcome).toMatchObject({ added: 3, duplicates: 1, conflicts: 0 });
  });

  it('stops in good order when interrupted, and goes on when repeated', async () => {
    const controller = new AbortController();
    const outcome = noOutcome();
    await importViaLog(regroup(small(), 50, 1_000_000), {
      ...{ pool, outcome, log: new EventLog(pool), tenantMode: 'auto', tenants: new TenantDirectory(pool) },
      signal: controller.signal,
      onProgress: () => controller.abort(),
      onWait: () => undefined,
    });
    expect(outcome.added).toBeGreaterThan(0);
    expect(outcome.added).toBeLessThanOrEqual(100);
    const rest = await run({ batches: small() });
    expect(rest.duplicates).toBe(outcome.added);
    const whole = await run({ batches: small() });
    expect(whole).toMatchObject({ added: 0, duplicates: outcome.added + rest.added });
  });
});
