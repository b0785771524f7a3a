import { bodyHash } from '../identity.js';
import { sampleEvent } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';

describe('looking events up', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
  });
  afterAll(() => database.drop());

  const refuse = (raw: unknown, tenant?: string) =>
    log.append({
      events: [],
      deadLetters: [
        {
          raw: Buffer.isBuffer(raw) ? raw : Buffer.from(JSON.stringify(raw)),
          reason: 'invalid-data',
          detail: 'data.nodes: no',
          ...(tenant === undefined ? {} : { tenant }),
        },
      ],
    });

  it('tells where logged events are and hashes of their bodies, null for others', async () => {
    const [stored, other] = [sampleEvent(), sampleEvent()];
    const { lastPosition } = await log.append({ events: [stored] });
    expect(await log.locate([other, stored])).toEqual([
      null,
      { position: lastPosition, bodyHash: bodyHash(stored) },
    ]);
    expect(await log.find(stored)).toEqual({
      logged: {
        position: lastPosition,
        recordedMs: (await log.head()).recordedMs,
        type: stored.type,
        subject: stored.subject,
        timeMs: stored.time,
      },
      refusals: [],
    });
    expect(await log.find(other)).toEqual({ logged: null, refusals: [] });
  });

  it('finds a dead letter by the tenant, source and id in its bytes, whatever they are', async () => {
    const key = { tenant: 'acme', source: 'urn:ä/"\\\n\u0001x', id: 'ü\u{1f600}' };
    await refuse({ source: key.source, id: key.id, n: 1 }, key.tenant);
    await refuse({ source: key.source, id: key.id, n: 2 }, key.tenant);
    await refuse({ source: key.source, id: key.id, n: 2 }, key.tenant);
    const { logged, refusals } = await log.find(key);
    expect(logged).toBeNull();
    expect(refusals.map(({ seen }) => seen).sort()).toEqual([1, 2]);
    expect(refusals[0]).toMatchObject({ reason: 'invalid-data', detail: 'data.nodes: no', status: 'open' });
    expect((await log.find({ ...key, tenant: 'globex' })).refusals).toEqual([]);
    await refuse({ source: 's', id: 'of-the-platform' });
    expect(
      (await log.find({ tenant: 'superadmin', source: 's', id: 'of-the-platform' })).refusals,
    ).toHaveLength(1);
  });

  it('takes letters that hold no identity, or no JSON at all', async () => {
    const letters = [
      null,
      [],
      17,
      'text',
      {},
      { source: 's' },
      { source: 1, id: 'x' },
      { source: 's', id: null },
      Buffer.from('{"source":"s","id":"\\u0000"}'),
      Buffer.from('{"source":"\\ud800","id":"x"}'),
      Buffer.from('{"source": cut'),
      Buffer.from([0xff, 0xfe, 0x00]),
      Buffer.alloc(0),
      Buffer.from('['.repeat(100_000)),
      Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    ];
    for (const letter of letters) await refuse(letter, 'nobody');
    const { rows } = await database.pool.query(
      `SELECT count(*)::int AS letters, count(identity)::int AS named FROM dead_letters WHERE tenant = 'nobody'`,
    );
    expect(rows).toEqual([{ letters: letters.length, named: 0 }]);
  });

  it('finds the body refused as a conflict beside the event that is logged', async () => {
    const event = sampleEvent();
    await log.append({ events: [event] });
    await log.append({ events: [{ ...event, data: { user: 'somebody else' } }] });
    const found = await log.find(event);
    expect(found.logged).not.toBeNull();
    expect(found.refusals).toMatchObject([{ reason: 'id-conflict', seen: 1 }]);
  });
});
