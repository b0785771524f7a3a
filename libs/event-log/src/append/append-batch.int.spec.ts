import { jest } from '@jest/globals';
import { canonicalEvent } from '@quipu/contracts';
import { sampleEvent, sampleEvents } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';

const ALL = { maxEvents: 100_000, maxBytes: 1 << 30 };

jest.setTimeout(30_000);

describe('append', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
  });
  afterAll(() => database.drop());
  afterEach(async () => {
    await database.pool.query('DELETE FROM dead_letters');
  });

  const end = async () => (await log.head()).position;
  const letters = async () =>
    (
      await database.pool.query(
        'SELECT reason, detail, tenant, seen, job_id, raw FROM dead_letters ORDER BY id',
      )
    ).rows;

  it('stores events in the order given and reads them back as they were', async () => {
    const before = await end();
    const events = [
      sampleEvent({
        sequence: '7',
        data: { text: 'quote " backslash \\ {curly} , é 漢 😀 \u0001', list: [1, 'a', null] },
      }),
      sampleEvent({ data: {} }),
      ...sampleEvents(20),
    ];
    const result = await log.append({ events });
    expect(result).toMatchObject({ appended: 22, duplicates: 0, conflicts: 0, refused: 0 });
    expect(result.outcomes).toEqual(events.map(() => 'appended'));
    const stored = await log.readAfter(before, ALL);
    expect(stored.map(({ position: _p, recordedMs: _r, ...event }) => event)).toEqual(events);
    expect(stored.at(-1)?.position).toBe(result.lastPosition);
    expect(Math.abs((stored[0]?.recordedMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('keeps the data as canonical JSON text', async () => {
    const event = sampleEvent({
      data: { b: 1, a: { d: ',"dataversion":9', c: 2 } },
      source: ',"dataversion":7,',
    });
    await log.append({ events: [event] });
    const { rows } = await database.pool.query('SELECT data::text AS data FROM log WHERE event_id = $1', [
      event.id,
    ]);
    expect(rows[0].data).toBe('{"a":{"c":2,"d":",\\"dataversion\\":9"},"b":1}');
  });

  it('stores an event once, whether it comes again later, in the same batch, or with other keys order', async () => {
    const [first, second] = sampleEvents(2);
    await log.append({ events: [first!] });
    const before = await end();
    const again = { ...first!, data: Object.fromEntries(Object.entries(first!.data).reverse()) };
    const result = await log.append({ events: [again, second!, second!, first!] });
    expect(result.outcomes).toEqual(['duplicate', 'appended', 'duplicate', 'duplicate']);
    expect(result).toMatchObject({ appended: 1, duplicates: 3, conflicts: 0 });
    expect(await log.readAfter(before, ALL)).toHaveLength(1);
    expect(await letters()).toEqual([]);
  });

  it('uses no position for events that are known', async () => {
    const events = sampleEvents(50);
    const { lastPosition } = await log.append({ events });
    await log.append({ events });
    const next = await log.append({ events: [sampleEvent()] });
    expect(next.lastPosition).toBe(lastPosition! + 1n);
  });

  it('makes the same identity with another body a dead letter, once', async () => {
    const stored = sampleEvent();
    await log.append({ events: [stored] });
    const other = { ...stored, sequence: 'é"\u0002', data: { ...stored.data, nodes: 5_000, list: [{}] } };
    const batch = sampleEvent();
    const altered = { ...batch, time: batch.time + 1 };
    const result = await log.append({ events: [other, batch, altered] });
    expect(result.outcomes).toEqual(['conflict', 'appended', 'conflict']);
    await log.append({ events: [other] });
    const kept = await letters();
    expect(kept).toMatchObject([
      { reason: 'id-conflict', tenant: stored.tenant, seen: 2 },
      { reason: 'id-conflict', tenant: batch.tenant, seen: 1 },
    ]);
    expect(kept[0].raw.toString()).toBe(canonicalEvent(other));
    expect(kept[1].raw.toString()).toBe(canonicalEvent(altered));
  });

  it('writes dead letters in the same transaction, unique by bytes and reason', async () => {
    const raw = Buffer.from([0, 255, 34, 92]);
    const deadLetters = [
      { raw, reason: 'malformed' as const, detail: 'no object', jobId: '17' },
      { raw, reason: 'malformed' as const, detail: 'no object' },
      { raw, reason: 'too-large' as const, detail: 'with a NUL \0 in it', tenant: 'a\0b' },
    ];
    const result = await log.append({ events: [], deadLetters });
    expect(result.outcomes).toEqual([]);
    await log.append({ events: sampleEvents(1), deadLetters: deadLetters.slice(0, 1) });
    expect(await letters()).toEqual([
      { reason: 'malformed', detail: 'no object', tenant: null, seen: 3, job_id: '17', raw },
      {
        reason: 'too-large',
        detail: 'with a NUL \u{fffd} in it',
        tenant: 'a\u{fffd}b',
        seen: 1,
        job_id: null,
        raw,
      },
    ]);
    expect(await log.countDeadLetters()).toEqual(
      new Map([
        ['malformed', 1],
        ['too-large', 1],
      ]),
    );
    expect((await log.listDeadLetters(1))[0]).toMatchObject({ reason: 'too-large', seen: 1, jobId: null });
  });

  it('sets aside the one event that the database refuses and stores the others in order', async () => {
    const before = await end();
    const events = sampleEvents(41);
    events[17] = sampleEvent({ subject: 'job/a\0b' });
    events[29] = sampleEvent({ dataversion: 2 ** 40 });
    const raw = Buffer.from('x');
    const result = await log.append({ events, deadLetters: [{ raw, reason: 'malformed', detail: 'given' }] });
    expect(result).toMatchObject({ appended: 39, refused: 2, duplicates: 0 });
    expect(result.outcomes.flatMap((outcome, i) => (outcome === 'refused' ? [i] : []))).toEqual([17, 29]);
    const kept = events.filter((_, i) => i !== 17 && i !== 29).map(({ id }) => id);
    expect((await log.readAfter(before, ALL)).map(({ id }) => id)).toEqual(kept);
    expect((await letters()).map(({ reason, seen }) => [reason, seen])).toEqual([
      ['malformed', 1],
      ['refused-by-log', 1],
      ['refused-by-log', 1],
    ]);
  });

  it('does not take a fault of the log for a fault of its events', async () => {
    const { lastPosition } = await log.append({ events: sampleEvents(3) });
    await database.pool.query(`SELECT setval('log_position_seq', $1)`, [String(lastPosition! - 2n)]);
    const event = sampleEvent();
    await expect(log.append({ events: [event] })).rejects.toMatchObject({ code: '23505' });
    expect(await letters()).toEqual([]);
    await database.pool.query(`SELECT setval('log_position_seq', $1)`, [String(lastPosition)]);
    expect(await log.append({ events: [event] })).toMatchObject({ appended: 1 });
  });

  it('stores a batch once when eight writers append it at the same time', async () => {
    const before = await end();
    const events = sampleEvents(300);
    const results = await Promise.all(
      Array.from({ length: 8 }, () => new EventLog(database.pool).append({ events })),
    );
    expect(results.map(({ appended }) => appended).sort((a, b) => b - a)).toEqual([300, 0, 0, 0, 0, 0, 0, 0]);
    expect(results.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(2_100);
    expect((await log.readAfter(before, ALL)).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  });

  it('refuses to run on a snapshot that may be older than the last append', async () => {
    const client = await database.pool.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const call = `SELECT append_events('{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}')`;
    await expect(client.query(call)).rejects.toMatchObject({ code: '25001' });
    await client.query('ROLLBACK');
    client.release();
  });

  it('never waits long for the lock, whatever the session allows', async () => {
    const { rows } = await database.pool.query(
      `SELECT proconfig FROM pg_proc WHERE proname = 'append_events'`,
    );
    expect(rows[0].proconfig).toContain('lock_timeout=10s');
  });

  it('counts its steps around the one call', async () => {
    const steps: string[] = [];
    await new EventLog(database.pool, { step: (label) => void steps.push(label) }).append({
      events: sampleEvents(2),
    });
    expect(steps).toEqual(['log.append:before', 'log.append:after']);
  });
});
