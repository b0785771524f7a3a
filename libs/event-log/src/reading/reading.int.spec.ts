import { sampleEvent, sampleEvents } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';

describe('reading', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
  });
  afterAll(() => database.drop());

  it('of an empty log finds nothing', async () => {
    expect(await log.head()).toEqual({ position: 0n, recordedMs: null });
    expect(await log.countAfter(0n)).toBe(0n);
    expect(await log.oldestRecordedAfter(0n)).toBeNull();
    expect(await log.readAfter(0n, { maxEvents: 10, maxBytes: 10 })).toEqual([]);
    expect(await log.knownIdentities([])).toEqual([]);
  });

  it('stops at the limit of events or of bytes, but always moves on', async () => {
    const start = (await log.head()).position;
    const big = (size: number) => sampleEvent({ data: { filler: 'x'.repeat(size) } });
    await log.append({ events: [big(5_000), big(100), big(100), big(5_000), big(100)] });
    const read = async (after: bigint, maxEvents: number, maxBytes: number) =>
      (await log.readAfter(start + after, { maxEvents, maxBytes })).length;
    expect(await read(0n, 100, 1)).toBe(1);
    expect(await read(0n, 2, 1 << 20)).toBe(2);
    expect(await read(1n, 100, 1_000)).toBe(3);
    expect(await read(1n, 100, 150)).toBe(2);
    expect(await read(0n, 100, 1 << 20)).toBe(5);
    expect(await read(5n, 100, 1 << 20)).toBe(0);
  });

  it('counts what follows a position, across batches and within one', async () => {
    const start = (await log.head()).position;
    for (const size of [10, 1, 7]) await log.append({ events: sampleEvents(size) });
    const counts = await Promise.all([0n, 4n, 10n, 11n, 17n, 18n].map((n) => log.countAfter(start + n)));
    expect(counts).toEqual([18n, 14n, 8n, 7n, 1n, 0n]);
    const head = await log.head();
    expect(head.position).toBe(start + 18n);
    expect(await log.oldestRecordedAfter(start + 17n)).toBe(head.recordedMs);
    expect(await log.oldestRecordedAfter(start + 18n)).toBeNull();
  });

  it('of one entity gives its events of its tenant, in order', async () => {
    const subject = 'node/c1/n1';
    const mine = [sampleEvent({ tenant: 'a', subject }), sampleEvent({ tenant: 'a', subject })];
    await log.append({
      events: [mine[0]!, sampleEvent({ tenant: 'b', subject }), sampleEvent({ tenant: 'a' })],
    });
    await log.append({ events: [mine[1]!] });
    expect((await log.readEntity('a', subject)).map(({ id }) => id)).toEqual(mine.map(({ id }) => id));
    expect(await log.readEntity('a', 'node/c1/none')).toEqual([]);
  });

  it('knows which identities are stored', async () => {
    const [stored, other] = sampleEvents(2);
    await log.append({ events: [stored!] });
    const keys = [other!, stored!, { ...stored!, tenant: 'another' }, stored!];
    expect(await log.knownIdentities(keys)).toEqual([false, true, false, true]);
  });
});
