import type { LogEvent } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { systemClock } from '@quipu/platform';
import { storeNaiveLedger } from '../../../../test/property/naive-ledger.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { runVerify } from './run-verify.js';

function queued(id: string): LogEvent {
  const job = { type: 'job.queued', subject: `job/q/${id}@1`, dataversion: 1, data: { queue: 'q' } } as const;
  return { tenant: 'acme', source: 'test', id, time: Date.UTC(2026, 0, 1), ...job };
}

describe('verify at the end of the log', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await testDatabase();
    const log = new EventLog(database.pool);
    await log.append({ events: [queued('1'), queued('2')] });
    await storeNaiveLedger(database.pool);
    await log.append({ events: [queued('3')] });
  });
  afterEach(() => database.drop());

  const verify = () => runVerify({ pool: database.pool, clock: systemClock });

  it('is content with events that the ledger has not folded yet', async () => {
    expect(await verify()).toMatchObject({ examples: [], ok: true, events: 2 });
  });

  it('finds identities whose events were cut off together with their digest', async () => {
    const client = await database.pool.connect();
    await client.query(`SET session_replication_role = 'replica'`);
    await client.query('DELETE FROM log WHERE position = 3');
    await client.query('DELETE FROM log_digests WHERE last_position = 3');
    client.release(true);
    expect((await verify()).examples).toMatchObject([{ kind: 'identity', found: '1 without an event' }]);
  });

  it('finds a checkpoint that is ahead of the log: what comes next would be left out', async () => {
    await storeNaiveLedger(database.pool);
    await database.pool.query('UPDATE projections SET position = position + 10');
    expect((await verify()).examples).toMatchObject([
      { kind: 'digest', key: 'end of the log', found: 'position 3' },
    ]);
  });
});
