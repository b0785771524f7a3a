import fc from 'fast-check';
import { canonicalEvent, canonicalJson } from './canonical.js';
import type { LogEvent } from './envelope.js';

/** A copy whose members stand in another order, at every level. */
function shuffled(value: unknown, turn: number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, turn));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, shuffled(member, turn + 1)] as const);
  const at = members.length === 0 ? 0 : turn % members.length;
  return Object.fromEntries([...members.slice(at), ...members.slice(0, at)].reverse());
}

const json = fc
  .jsonValue({ noUnicodeString: false })
  .filter((value) => !JSON.stringify(value).includes('__proto__'));

describe('canonicalJson', () => {
  it('sorts members by UTF-16 code units, not by code points', () => {
    const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 };
    expect(canonicalJson(value)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
    );
  });

  it.each([
    [0, '0'],
    [-0, '0'],
    [5e-324, '5e-324'],
    [-9007199254740991, '-9007199254740991'],
    [333333333.3333333, '333333333.3333333'],
    [1e21, '1e+21'],
    [1e20, '100000000000000000000'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
    [4.5, '4.5'],
  ])('writes %d as ECMAScript does', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('escapes what JSON must, and nothing else', () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\"/\u007f\u2028\u{1f600}')).toBe(
      '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/\u007f\u2028\u{1f600}"',
    );
  });

  it('leaves out members that JSON cannot hold, as JSON.stringify does', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, 1, Number.NaN] })).toBe('{"a":[null,1,null]}');
  });

  it('does not depend on the order of members', () => {
    fc.assert(
      fc.property(json, fc.nat(7), (value, turn) => {
        expect(canonicalJson(shuffled(value, turn))).toBe(canonicalJson(value));
      }),
    );
  });

  it('reads back as the same value, and is its own canonical form', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });
});

describe('canonicalEvent', () => {
  const event: LogEvent = {
    tenant: 'acme',
    source: 's"1',
    id: 'e1',
    type: 'job.queued',
    subject: 'job/q/1',
    time: 0,
    dataversion: 1,
    data: { queue: 'q', nodes: 4 },
  };

  it('is this text, for ever', () => {
    expect(canonicalEvent(event)).toBe(
      '{"data":{"nodes":4,"queue":"q"},"dataversion":1,"id":"e1","source":"s\\"1","subject":"job/q/1","tenant":"acme","time":"1970-01-01T00:00:00.000Z","type":"job.queued"}',
    );
    expect(canonicalEvent({ ...event, sequence: '7' })).toContain('"id":"e1","sequence":"7","source"');
  });

  it('is the canonical form of the same object', () => {
    for (const one of [event, { ...event, sequence: '0\n1' }]) {
      expect(canonicalEvent(one)).toBe(canonicalJson({ ...one, time: new Date(one.time).toISOString() }));
    }
  });
});
