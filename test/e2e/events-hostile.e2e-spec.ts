import { describeCatalogue } from '@quipu/contracts';
import fc from 'fast-check';
import { until } from '../../apps/projector/test/sample-job.js';
import { testCli } from '../int/cli/test-cli.js';
import { runs } from '../property/runs.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const NOW = Date.UTC(2026, 2, 2, 12);
const TENANTS = ['acme', 'globex', 'superadmin'];
/** Events of a request, and of all of them at least so many should be taken. */
const EVENTS = 40;
const LEAST_TAKEN = 0.1;

/** What a sender that is wrong, or means harm, puts where something else belongs. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 0.5, 1_000_000, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e300),
  fc.constantFrom(
    '',
    'acme',
    'superadmin',
    'w1',
    'worker/w1',
    'job/',
    'a|b|c',
    '__proto__',
    'toString',
    'NaN',
    '1e5',
  ),
  fc.constantFrom(
    'ü\u{1f600}',
    '\u202e',
    'a\u0000b',
    '\ud800',
    '\r\n',
    '%s%n',
    '<b>',
    `'; --`,
    'x'.repeat(201),
  ),
  fc.constantFrom('1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-03-02T12:00:00+14:00', '2026-03-02'),
  fc.constantFrom<unknown>([], {}, [1], ['a', 'a'], { a: 1 }, { constructor: { prototype: 1 } }, [
    [[[[[[[[1]]]]]]]],
  ]),
);
const usual: Readonly<Record<string, unknown>> = {
  ...{
    queue: 'q',
    user: 'ann',
    nodes: 2,
    attempt: 2,
    worker: 'w1',
    workerTenant: 'superadmin',
    final: false,
  },
  ...{ cluster: 'c', services: ['a'], labels: { a: 'b' }, type: 'external', concurrency: 1, pool: 'p' },
  ...{ estimated: true, life: 'l', delayUntil: '2026-03-02T13:00:00Z', category: 'c', scope: 'acme' },
};

const types = describeCatalogue();
/** An event of any type: mostly with what belongs there, here and there with something else. */
const event = fc
  .record({
    described: fc.constantFrom(...types),
    rest: fc.constantFrom('a', 'b', 'w1', 'c/1', 'q/1@1', 'ü'),
    tenant: fc.constantFrom(...TENANTS),
    source: fc.constantFrom('s', 'ci/x', 'quipu/sweeper'),
    id: fc.oneof({ weight: 9, arbitrary: fc.uuid() }, fc.constantFrom('same', 'other')),
    agoMs: fc.integer({ min: -200_000, max: 3_600_000 }),
    sequence: fc.option(fc.constantFrom('1', '0002', 'z'), { nil: undefined }),
    old: fc.boolean(),
    fields: fc.array(fc.tuple(fc.nat(), fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, odd)), {
      maxLength: 5,
    }),
    attribute: fc.option(
      fc.tuple(
        fc.constantFrom('id', 'source', 'subject', 'time', 'data', 'sequence', 'dataversion', 'x'),
        odd,
      ),
      { nil: undefined, freq: 9 },
    ),
  })
  .map(({ described, rest, tenant, source, id, agoMs, sequence, old, fields, attribute }) => {
    const { type, version } = described;
    const data: Record<string, unknown> = {};
    for (const [at, value] of fields) {
      const name = described.fields[at % described.fields.length]?.name;
      if (name !== undefined) data[name] = value === usual ? usual[name] : value;
    }
    return {
      ...{ specversion: '1.0', id, source, type, tenant, subject: `${type.split('.', 1)[0]!}/${rest}`, data },
      ...{ time: new Date(NOW - agoMs).toISOString(), dataversion: old ? 1 : version },
      ...(sequence === undefined ? {} : { sequence }),
      ...(attribute === undefined ? {} : { [attribute[0]]: attribute[1] }),
    };
  });

describe('events of all types that hold whatever may be sent', () => {
  let system: TestSystem;
  let secret: string;

  beforeAll(async () => {
    system = await startTestSystem({
      now: NOW,
      env: { QUIPU_REQUESTS_PER_KEY: '0', QUIPU_REQUESTS_PER_ADDRESS: '0' },
    });
    for (const id of ['acme', 'globex']) await system.tenants.create({ id });
    secret = await system.principal('superadmin', 'root', 'superadmin');
  }, 60_000);
  afterAll(() => system.stop());

  it('are refused with a reason, or are in the log, in the numbers, and in no way of anything else', async () => {
    let [sent, taken] = [0, 0];
    const body = fc.array(event, { minLength: EVENTS, maxLength: EVENTS });
    await fc.assert(
      fc.asyncProperty(body, async (events) => {
        const answer = await system.request({
          ...{ method: 'POST', url: '/api/events?ack=log' },
          payload: events.map((one) => JSON.stringify(one)).join('\n'),
          headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/x-ndjson' },
        });
        expect([200, 202, 422]).toContain(answer.statusCode);
        const { accepted, rejected, conflicts = [] } = answer.json();
        expect(accepted + rejected.length).toBe(events.length);
        // The door sees all that the log could refuse, but for another body of a known identity.
        expect(conflicts.filter(({ reason }: { reason: string }) => reason !== 'id-conflict')).toEqual([]);
        sent += events.length;
        taken += accepted;
      }),
      { ...runs(25), endOnFailure: true },
    );
    expect(taken).toBeGreaterThan(sent * LEAST_TAKEN);
    const cli = testCli({ database: system.databaseUrl, redis: system.redisUrl }, system.clock);
    try {
      await until(async () => (await cli.json('status')).ledger.behindEvents === '0');
      expect((await cli.json('status')).ledger.halted).toBeNull();
      expect(await cli.json('verify')).toMatchObject({ ok: true, redis: { compared: true } });
    } finally {
      cli.close();
    }
  }, 60_000);
});
