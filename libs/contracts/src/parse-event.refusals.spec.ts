import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalEvent } from './canonical.js';
import { toCloudEvent } from './envelope.js';
import { parseEvent, type ParseLimits } from './parse-event.js';
import { REFUSALS } from './refusal.js';
import { upcast } from './upcast.js';

const NOW = Date.UTC(2025, 10, 21);
const limits: ParseLimits = { nowMs: NOW, maxAgeMs: 400 * 86_400_000, backfill: false };
const FOLDER = join(import.meta.dirname, '../../../test/fixtures/events');
const fixtures: Record<string, unknown>[] = readdirSync(FOLDER)
  .filter((file) => /\.v\d+\.json$/.test(file))
  .map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')));
const queued = fixtures.find(({ type }) => type === 'job.queued')!;

const parse = (over: object) => parseEvent({ ...queued, ...over }, limits);
const data = (fields: string) => ({ data: JSON.parse(fields) as unknown });
const long = 'x'.repeat(513);

describe('parseEvent refuses', () => {
  it.each<[object, keyof typeof REFUSALS, string]>([
    [{ specversion: '0.3' }, 'malformed', 'specversion: expected "1.0", got "0.3"'],
    [{ specversion: undefined }, 'malformed', 'specversion: expected "1.0", got a value of type undefined'],
    [{ type: null }, 'malformed', 'type: required, and absent'],
    [{ type: 'job.cloned' }, 'unknown-type', 'type: the catalogue has no "job.cloned"'],
    [{ type: 'constructor' }, 'unknown-type', 'type: the catalogue has no "constructor"'],
    [{ tenant: null }, 'malformed', 'tenant: required, and absent'],
    [{ tenant: '../etc' }, 'malformed', 'tenant: expected a letter or digit, then letters'],
    [{ tenant: 'a'.repeat(129) }, 'malformed', 'tenant: expected a letter or digit'],
    [{ tenant: 'acme\n' }, 'malformed', 'tenant: expected a letter or digit'],
    [{ tenant: 7 }, 'malformed', 'tenant: expected a letter or digit'],
    [{ source: '' }, 'malformed', 'source: must not be empty'],
    [{ source: ['x'] }, 'malformed', 'source: expected a string, got an array of 1'],
    [{ source: 'a\0b' }, 'bad-text', 'source: contains a NUL character'],
    [{ id: 12 }, 'malformed', 'id: expected a string, got 12'],
    [{ id: long }, 'malformed', 'id: has 513 characters, at most 512 are allowed'],
    [{ id: 'a\ud800' }, 'bad-text', 'id: contains a lone surrogate (ill-formed UTF-16)'],
    [{ id: '\udc00a' }, 'bad-text', 'id: contains a lone surrogate (ill-formed UTF-16)'],
    [{ subject: 'node/c/1' }, 'malformed', 'subject: expected job/ and an id, got "node/c/1"'],
    [{ subject: 'job/' }, 'malformed', 'subject: expected job/ and an id, got "job/"'],
    [{ subject: `job/${long}` }, 'malformed', 'subject: has 517 characters'],
    [{ sequence: 5 }, 'malformed', 'sequence: expected a string, got 5'],
    [{ sequence: 'x'.repeat(65) }, 'malformed', 'sequence: has 65 characters, at most 64 are allowed'],
    [{ dataversion: '1' }, 'malformed', 'dataversion: expected an integer, got "1"'],
    [{ dataversion: 1.5 }, 'malformed', 'dataversion: expected an integer, got 1.5'],
    [{ dataversion: 0 }, 'unsupported-version', 'dataversion: job.queued has version 1, got 0'],
    [{ dataversion: 2 }, 'unsupported-version', 'dataversion: job.queued has version 1, got 2'],
    [
      { datacontenttype: 'text/xml' },
      'malformed',
      'datacontenttype: expected application/json, got "text/xml"',
    ],
    [{ data_base64: 'e30=' }, 'malformed', 'data_base64: send the data as JSON in `data`'],
    [{ time: null }, 'malformed', 'time: required, and absent'],
    [{ time: 1763628600000 }, 'malformed', 'time: expected an RFC 3339 timestamp'],
    [{ time: '2025-11-20' }, 'malformed', 'time: expected an RFC 3339 timestamp'],
    [
      { time: '2025-11-22T00:00:00Z' },
      'too-far-ahead',
      'time: 2025-11-22T00:00:00.000Z is 86400000 ms ahead',
    ],
    [{ time: '2024-10-01T00:00:00Z' }, 'too-old', 'time: 2024-10-01T00:00:00.000Z is older than 400 days'],
    [{ data: [] }, 'invalid-data', 'data: expected an object, got an array of 0'],
    [{ data: 'x' }, 'invalid-data', 'data: expected an object, got "x"'],
    [data('{"x":{"y":["a\\u0000"]}}'), 'bad-text', 'data.x.y[0]: contains a NUL character'],
    [data('{"a\\u0000":1}'), 'bad-text', 'data["a\\u0000"]: contains a NUL character'],
    [data('{"x":"\\ud83d"}'), 'bad-text', 'data.x: contains a lone surrogate'],
    [data('{"x":{"__proto__":{"admin":true}}}'), 'bad-text', 'data.x: the key __proto__ is reserved'],
    [data('{"x":9007199254740992}'), 'bad-number', 'data.x: 9007199254740992 lies beyond ±(2^53 − 1)'],
    [data('{"x":-9007199254740993}'), 'bad-number', 'data.x: -9007199254740992 lies beyond'],
    [data('{"x":1e300}'), 'bad-number', 'data.x: 1e+300 lies beyond'],
    [data('{"x":1e999}'), 'bad-number', 'data.x: Infinity lies beyond'],
    [{ data: { x: 10n } }, 'malformed', 'data.x: JSON has no bigint'],
    [{ data: { x: { y: new Date(0) } } }, 'malformed', 'data.x.y: JSON has no such object'],
    [{ data: new Map() }, 'malformed', 'data: JSON has no such object'],
    [data('{"nodes":-1}'), 'invalid-data', 'data.nodes: Too small: expected number to be >=0, got -1'],
    [data('{"nodes":1000001}'), 'invalid-data', 'data.nodes: Too big'],
    [data('{"nodes":1.5}'), 'invalid-data', 'data.nodes: Invalid input: expected int'],
    [
      data('{"nodes":"4"}'),
      'invalid-data',
      'data.nodes: Invalid input: expected number, received string, got "4"',
    ],
    [data('{"attempt":0}'), 'invalid-data', 'data.attempt: Too small'],
    [data('{"user":""}'), 'invalid-data', 'data.user: Too small'],
    [
      data('{"user":null}'),
      'invalid-data',
      'data.user: Invalid input: expected string, received null, got null',
    ],
    [{ data: { user: 'x'.repeat(201) } }, 'invalid-data', 'data.user: Too big'],
    [
      data('{"delayUntil":"tomorrow"}'),
      'invalid-data',
      'data.delayUntil: expected an RFC 3339 timestamp with offset',
    ],
    [data('{"workerTenant":"a b"}'), 'invalid-data', 'data.workerTenant: expected a tenant id, got "a b"'],
    [data('{"labels":{"a":1}}'), 'invalid-data', 'data.labels.a: Invalid input: expected string'],
    [data('{"result":"fine"}'), 'invalid-data', 'data.result: Invalid option'],
    [data('{"statistics":{"duration":-1}}'), 'invalid-data', 'data.statistics.duration: Too small'],
    [data('{"final":1,"nodes":-1,"user":2}'), 'invalid-data', '; also wrong: '],
  ])('%j', (over, reason, detail) => {
    expect(parse(over)).toMatchObject({ ok: false, reason, detail: expect.stringContaining(detail) });
  });

  it('more labels than are allowed', () => {
    const labels = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`l${i}`, 'x']));
    expect(parse({ data: { labels: labels(64) } }).ok).toBe(true);
    expect(parse({ data: { labels: labels(65) } })).toMatchObject({
      detail: 'data.labels: Too many: expected at most 64 labels, got an object',
    });
  });

  it('what is no object', () => {
    for (const raw of [null, undefined, 'x', 1, [], [queued]]) {
      expect(parseEvent(raw, limits)).toMatchObject({ ok: false, reason: 'malformed' });
    }
  });

  it('data that lacks what its type requires', () => {
    const artifact = { type: 'artifact.created', subject: 'artifact/1' };
    expect(parse({ ...artifact, data: {} })).toMatchObject({
      detail: expect.stringContaining('data.category'),
    });
    const files = [{ size: 1 }, {}];
    expect(parse({ ...artifact, data: { category: 'c', files } })).toMatchObject({
      detail: expect.stringContaining('data.files[1].size'),
    });
  });
});

/** What a hostile or broken sender may put anywhere. */
const hostile = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }),
  fc.jsonValue(),
  fc.constantFrom(
    '\0',
    '\ud800',
    'x'.repeat(70_000),
    2 ** 53,
    -0,
    Number.NaN,
    '',
    JSON.parse('{"__proto__":{"a":1}}'),
  ),
  fc.string({ unit: 'binary', maxLength: 400 }),
);

/** A valid event in which some attributes and some fields were replaced by anything. */
const mutated = fc
  .record({
    event: fc.constantFrom(...fixtures),
    attributes: fc.dictionary(
      fc.constantFrom(
        'id',
        'source',
        'subject',
        'tenant',
        'time',
        'type',
        'data',
        'sequence',
        'dataversion',
        'odd',
      ),
      hostile,
      { maxKeys: 2 },
    ),
    fields: fc.dictionary(
      fc.oneof(fc.constantFrom('queue', 'nodes', 'labels', 'delayUntil', 'statistics', 'files'), fc.string()),
      hostile,
      { maxKeys: 2 },
    ),
  })
  .map(({ event, attributes, fields }) => ({
    ...event,
    data: { ...(event['data'] as object), ...fields },
    ...attributes,
  }));

describe('whatever comes, parseEvent', () => {
  it('answers, with a reason it has, in storable words that repeat at most 200 characters', () => {
    fc.assert(
      fc.property(fc.oneof(mutated, hostile), fc.boolean(), (raw, backfill) => {
        const result = parseEvent(raw, { ...limits, backfill });
        if (result.ok) return;
        expect(Object.keys(REFUSALS)).toContain(result.reason);
        expect(result.detail.length).toBeLessThanOrEqual(400);
        expect(result.detail).not.toContain('\0');
        expect(Buffer.from(result.detail).toString()).toBe(result.detail);
      }),
      { numRuns: 2_000 },
    );
  });

  it('lets pass only what it would let pass again, as the same event, and what upcasts', () => {
    let passed = 0;
    fc.assert(
      fc.property(mutated, (raw) => {
        const result = parseEvent(raw, limits);
        if (!result.ok) return;
        passed += 1;
        const again = parseEvent(JSON.parse(JSON.stringify(toCloudEvent(result.event))), limits);
        expect(again).toEqual(result);
        expect(JSON.parse(canonicalEvent(result.event))).toMatchObject({
          id: result.event.id,
          data: result.event.data,
        });
        expect(upcast(result.event).type).toBe(result.event.type);
      }),
      { numRuns: 2_000 },
    );
    expect(passed).toBeGreaterThan(200);
  });

  it('never lets a key of the input reach the prototype of an object', () => {
    fc.assert(fc.property(mutated, (raw) => void parseEvent(raw, limits)));
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });
});
