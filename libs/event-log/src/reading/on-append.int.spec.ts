import { jest } from '@jest/globals';
import { sampleEvent } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';

/** A listener and promises of its next calls. */
function bell() {
  let waiting: (() => void)[] = [];
  let calls = 0;
  return {
    ring: () => {
      calls += 1;
      for (const wake of waiting.splice(0)) wake();
    },
    rung: () => new Promise<void>((resolve) => (waiting = [...waiting, resolve])),
    calls: () => calls,
  };
}

jest.setTimeout(30_000);

describe('onAppend', () => {
  let database: TestDatabase;
  let log: EventLog;
  let stop: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
  });
  afterEach(async () => {
    await stop?.();
    stop = undefined;
  });
  afterAll(() => database.drop());

  it('is called when another process appends', async () => {
    const listener = bell();
    stop = await log.onAppend(listener.ring);
    const rung = listener.rung();
    await new EventLog(database.pool).append({ events: [sampleEvent()] });
    await rung;
  });

  it('is called at once when this log appends, and not when nothing is new', async () => {
    const listener = bell();
    stop = await log.onAppend(listener.ring);
    const event = sampleEvent();
    await log.append({ events: [event] });
    expect(listener.calls()).toBe(1);
    await listener.rung();
    const calls = listener.calls();
    await log.append({ events: [event] });
    expect(listener.calls()).toBe(calls);
  });

  it('is told of a burst by few notifications, the last of them after the last append', async () => {
    const listener = bell();
    const writer = new EventLog(database.pool);
    stop = await log.onAppend(listener.ring);
    for (let i = 0; i < 200; i += 1) await writer.append({ events: [sampleEvent()] });
    const head = (await log.head()).position;
    const rung = listener.rung();
    const last = await writer.append({ events: [sampleEvent()] });
    expect(last.lastPosition).toBe(head + 1n);
    await rung;
    expect(listener.calls()).toBeLessThan(150);
  });

  it('comes back when its session is killed, and wakes for what it missed', async () => {
    const listener = bell();
    stop = await log.onAppend(listener.ring);
    const rung = listener.rung();
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND query = 'LISTEN quipu_log'`,
    );
    await rung;
    const again = listener.rung();
    await new EventLog(database.pool).append({ events: [sampleEvent()] });
    await again;
  });
});
