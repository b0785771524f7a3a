import { jest } from '@jest/globals';
import type { LogEvent } from '@quipu/contracts';
import pg from 'pg';
import { sampleEvent, sampleEvents } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';
import { appendEvents } from './append-events.js';
import { noIoSteps } from '@quipu/platform';

const ALL = { maxEvents: 100_000, maxBytes: 1 << 30 };

jest.setTimeout(30_000);

describe('order of commits', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
  });
  afterAll(() => database.drop());

  /** An append whose transaction stays open until the test ends it. */
  async function openAppend(events: LogEvent[]): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN');
    await appendEvents(client as unknown as pg.Pool, noIoSteps, events, []);
    return client;
  }

  async function untilSomeoneWaitsForTheLock(): Promise<void> {
    for (;;) {
      const { rows } = await database.pool.query(
        `SELECT count(*)::int AS waiting FROM pg_locks
         WHERE locktype = 'advisory' AND NOT granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      if (rows[0].waiting > 0) return;
    }
  }

  it.each(['COMMIT', 'ROLLBACK'])(
    'is the order of positions when the first writer is slow to %s',
    async (ending) => {
      const before = (await log.head()).position;
      const [slow, fast] = [sampleEvent(), sampleEvent()];
      const client = await openAppend([slow]);
      const appended = log.append({ events: [fast] });
      await untilSomeoneWaitsForTheLock();
      expect(await log.readAfter(before, ALL)).toEqual([]);
      await client.query(ending);
      await client.end();
      await appended;
      const ids = (await log.readAfter(before, ALL)).map(({ id }) => id);
      expect(ids).toEqual(ending === 'COMMIT' ? [slow.id, fast.id] : [fast.id]);
    },
  );

  it('keeps a duplicate out although the first writer had not committed when the second came', async () => {
    const before = (await log.head()).position;
    const event = sampleEvent();
    const client = await openAppend([event]);
    const second = log.append({ events: [event, { ...event, sequence: '1' }] });
    await untilSomeoneWaitsForTheLock();
    await client.query('COMMIT');
    await client.end();
    expect((await second).outcomes).toEqual(['duplicate', 'conflict']);
    expect(await log.readAfter(before, ALL)).toHaveLength(1);
  });

  it('lets a tailing reader miss nothing of eight writers', async () => {
    let cursor = (await log.head()).position;
    const written: string[] = [];
    let writing = true;
    const seen: string[] = [];
    const reader = (async () => {
      for (;;) {
        const done = !writing;
        const page = await log.readAfter(cursor, { maxEvents: 700, maxBytes: 1 << 20 });
        for (const event of page) {
          expect(event.position > cursor).toBe(true);
          cursor = event.position;
          seen.push(event.id);
        }
        if (done && page.length === 0) return;
      }
    })();
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        const own = new EventLog(database.pool);
        for (let round = 0; round < 25; round += 1) {
          const events = sampleEvents(1 + ((writer * 7 + round * 13) % 40));
          written.push(...events.map(({ id }) => id));
          await own.append({ events });
        }
      }),
    );
    writing = false;
    await reader;
    expect(seen).toHaveLength(written.length);
    expect(new Set(seen)).toEqual(new Set(written));
  });
});
