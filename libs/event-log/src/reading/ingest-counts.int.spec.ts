import type { LogEvent } from '@quipu/contracts';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';
import { readIngestCounts } from './ingest-counts.js';

const event = (id: string, data: Record<string, unknown> = {}): LogEvent => ({
  ...{ tenant: 'acme', source: 's', id, type: 'job.queued', subject: `job/${id}` },
  ...{ time: 1_700_000_000_000, dataversion: 1, data },
});

describe('counters of what the log does not take', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
  });
  afterAll(() => database.drop());

  it('count refusals by reason and events met again, each once, and never go back', async () => {
    const counted = async () =>
      Object.fromEntries(
        (await readIngestCounts(database.pool)).map(({ kind, reason, count }) => [
          `${kind} ${reason}`,
          count,
        ]),
      );
    expect(await counted()).toEqual({});
    const letter = { raw: Buffer.from('{'), reason: 'malformed', detail: 'no JSON' } as const;
    await log.append({ events: [event('a'), event('b')] });
    expect(await counted()).toEqual({});
    await log.append({ events: [event('a'), event('c'), event('b')], deadLetters: [letter, letter] });
    expect(await counted()).toEqual({ 'duplicate ': 2n, 'rejected malformed': 2n });
    await log.append({ events: [event('a', { queue: 'other' })], deadLetters: [letter] });
    await log.append({ events: [event('c'), event('c')] });
    const all = { 'duplicate ': 4n, 'rejected malformed': 3n, 'rejected id-conflict': 1n };
    expect(await counted()).toEqual(all);
    await database.pool.query(`UPDATE dead_letters SET status = 'discarded'`);
    expect(await counted()).toEqual(all);
  });
});
