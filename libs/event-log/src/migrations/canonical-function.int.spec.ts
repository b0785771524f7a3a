import { canonicalEvent, canonicalJson, MAX_TIME_MS, MIN_TIME_MS, type LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { sampleEvent } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { int8Array, textArray } from '../append/binary-array.js';

const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.replaceAll('\0', '\u0001'));

const event = fc
  .record(
    {
      tenant: text,
      source: text,
      id: text,
      subject: text,
      sequence: text,
      time: fc.integer({ min: MIN_TIME_MS, max: MAX_TIME_MS }),
      data: fc.dictionary(text, fc.oneof(text, fc.double({ noNaN: true }), fc.constant(null)), {
        maxKeys: 3,
      }),
    },
    { requiredKeys: ['tenant', 'source', 'id', 'subject', 'time', 'data'] },
  )
  .map((parts) => sampleEvent(parts as Partial<LogEvent>));

describe('log_canonical_event', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it('writes an event as the contracts do', async () => {
    const edges = [MIN_TIME_MS, -1, 0, MAX_TIME_MS].map((time) => sampleEvent({ time }));
    const events = [...edges, ...fc.sample(event, { numRuns: 500, seed: 7 })];
    const { rows } = await database.pool.query<{ written: string }>(
      `SELECT log_canonical_event(time, tenant, source, id, type, subject, version, sequence, data) AS written
       FROM unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::text[],
                   $9::text[])
         WITH ORDINALITY AS e(time, tenant, source, id, type, subject, version, sequence, data, ordinal)
       ORDER BY ordinal`,
      [
        int8Array(events.map(({ time }) => time)),
        ...(['tenant', 'source', 'id', 'type', 'subject'] as const).map((field) =>
          textArray(events.map((each) => each[field])),
        ),
        int8Array(events.map(({ dataversion }) => dataversion)),
        textArray(events.map(({ sequence }) => sequence)),
        textArray(events.map(({ data }) => canonicalJson(data))),
      ],
    );
    expect(rows.map(({ written }) => written)).toEqual(events.map(canonicalEvent));
  });
});
