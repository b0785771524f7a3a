import { canonicalEvent, type LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { canonicalText, uuidOf } from './canonical.js';

describe('canonical text', () => {
  it('is the text that the log was hashed over, for any data', () => {
    const data = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' }));
    const events = fc.record({
      tenant: fc.constant('acme'),
      source: fc.string({ unit: 'grapheme', minLength: 1 }),
      id: fc.string({ unit: 'grapheme', minLength: 1 }),
      type: fc.constant('job.queued' as const),
      subject: fc.string({ unit: 'grapheme', minLength: 1 }),
      time: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
      dataversion: fc.constant(1),
      data,
    });
    fc.assert(
      fc.property(events, fc.option(fc.string({ minLength: 1 }), { nil: undefined }), (event, sequence) => {
        const told: LogEvent = sequence === undefined ? event : { ...event, sequence };
        expect(canonicalText(told)).toBe(canonicalEvent(told));
      }),
    );
  });

  it('sorts members by UTF-16 code units and leaves out white space', () => {
    const event: LogEvent = {
      tenant: 't',
      source: 's',
      id: 'i',
      type: 'job.queued',
      subject: 'job/1',
      time: 0,
      dataversion: 1,
      data: { '\uFF5E': 1, '\u{1F9F6}': [1.5, 1e21, null, 'ü"\n'], b: { d: true, c: {} } },
    };
    expect(canonicalText(event)).toBe(
      '{"data":{"b":{"c":{},"d":true},"\u{1F9F6}":[1.5,1e+21,null,"ü\\"\\n"],"\uFF5E":1},"dataversion":1,' +
        '"id":"i","source":"s","subject":"job/1","tenant":"t","time":"1970-01-01T00:00:00.000Z","type":"job.queued"}',
    );
  });

  it('writes 16 bytes as a uuid', () => {
    expect(uuidOf(Buffer.from('00112233445566778899aabbccddeeff', 'hex'))).toBe(
      '00112233-4455-6677-8899-aabbccddeeff',
    );
  });
});
