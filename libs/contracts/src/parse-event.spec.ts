import { MAX_EVENT_BYTES, MAX_NESTING } from './limits.js';
import { toCloudEvent } from './envelope.js';
import { parseEvent, type ParseLimits } from './parse-event.js';

const NOW = Date.UTC(2025, 10, 20, 9);
const DAY = 86_400_000;
const limits: ParseLimits = { nowMs: NOW, maxAgeMs: 400 * DAY, backfill: false };
const at = (ms: number) => new Date(ms).toISOString();

const base = {
  specversion: '1.0',
  id: 'e1',
  source: 'bullmq:builds',
  type: 'job.queued',
  subject: 'job/builds/1@5',
  time: at(NOW),
  tenant: 'acme',
  data: { queue: 'builds' },
};
const parse = (over: object = {}, more: Partial<ParseLimits> = {}) =>
  parseEvent(JSON.parse(JSON.stringify({ ...base, ...over })), { ...limits, ...more });
const parseData = (data: unknown) => parse({ data });
const nested = (levels: number): unknown => (levels === 0 ? 0 : { a: nested(levels - 1) });

describe('parseEvent', () => {
  it('gives the event back in the form of the log', () => {
    expect(parse({ time: '2025-11-20T09:59:59.9999+01:00', sequence: '7' })).toEqual({
      ok: true,
      event: {
        tenant: 'acme',
        source: 'bullmq:builds',
        id: 'e1',
        type: 'job.queued',
        subject: 'job/builds/1@5',
        time: NOW - 1,
        dataversion: 1,
        sequence: '7',
        data: { queue: 'builds' },
      },
    });
  });

  it('drops attributes it does not know, unread', () => {
    const bare = parse();
    expect(
      parse({ traceparent: '00-ab-cd-01', datacontenttype: 'application/json', odd: nested(40) }),
    ).toEqual(bare);
  });

  it('takes null for an absent attribute, and absent data for none', () => {
    const absent = {
      sequence: null,
      dataversion: null,
      datacontenttype: null,
      data_base64: null,
      data: null,
    };
    expect(parse(absent)).toMatchObject({ ok: true, event: { dataversion: 1, data: {} } });
    expect(parse({ ...absent, data: undefined })).toEqual(parse(absent));
  });

  it('keeps fields of the data that the catalogue does not know', () => {
    const data = { queue: 'q', colour: { deep: [1, { x: null }] }, statistics: { duration: 1.5, gpu: 2 } };
    expect(parseData(data)).toMatchObject({ ok: true, event: { data } });
  });

  it('keeps moments in data as milliseconds of UTC, so that two spellings are one body', () => {
    const expected = { ok: true, event: { data: { delayUntil: '2025-11-20T08:00:00.120Z' } } };
    expect(parseData({ delayUntil: '2025-11-20T09:00:00.1204+01:00' })).toMatchObject(expected);
    expect(parseData({ delayUntil: '2025-11-20T08:00:00.12Z' })).toMatchObject(expected);
  });

  it('reads −0 as 0 at any depth, and does not touch its argument', () => {
    const raw = { ...base, data: { nodes: -0, odd: [{ x: -0 }], gone: undefined } };
    const result = parseEvent(raw, limits);
    expect(result).toEqual({
      ok: true,
      event: expect.objectContaining({ data: { nodes: 0, odd: [{ x: 0 }] } }),
    });
    expect(Object.is(raw.data.nodes, -0)).toBe(true);
  });

  it.each(['worker.heartbeat', 'instance.launched', 'worker_pool.removed', 'host.reported', 'alert.closed'])(
    'gives %s to the platform when it names no tenant',
    (type) => {
      const subject = `${type.split('.')[0]}/1`;
      const event = { type, subject, data: {} };
      expect(parse({ ...event, tenant: undefined })).toMatchObject({
        ok: true,
        event: { tenant: 'superadmin' },
      });
      expect(parse(event)).toMatchObject({ ok: true, event: { tenant: 'acme' } });
    },
  );

  it('tells the tenant of a refused event only when it is well-formed', () => {
    expect(parse({ id: null })).toMatchObject({ ok: false, tenant: 'acme' });
    expect(parse({ id: null, tenant: 'a b' })).not.toHaveProperty('tenant');
  });

  describe('of times', () => {
    it('takes up to 5 minutes ahead, backfill or not', () => {
      expect(parse({ time: at(NOW + 300_000) }).ok).toBe(true);
      for (const backfill of [false, true]) {
        expect(parse({ time: at(NOW + 300_001) }, { backfill })).toMatchObject({ reason: 'too-far-ahead' });
      }
    });

    it('takes what is older than the limit only as backfill', () => {
      const time = at(NOW - 400 * DAY - 1);
      expect(parse({ time: at(NOW - 400 * DAY) }).ok).toBe(true);
      expect(parse({ time })).toMatchObject({ ok: false, reason: 'too-old' });
      expect(parse({ time }, { backfill: true }).ok).toBe(true);
      expect(parse({ time: '0001-01-01T00:00:00Z' }, { backfill: true }).ok).toBe(true);
    });
  });

  describe('of sizes', () => {
    const filled = (length: number, letter = 'x') => ({ ...base, data: { odd: letter.repeat(length) } });
    const room = (raw: object) => {
      const result = parseEvent(raw, limits);
      if (!result.ok) throw new Error(result.detail);
      return MAX_EVENT_BYTES - Buffer.byteLength(JSON.stringify(toCloudEvent(result.event)));
    };

    it('takes an event of exactly 64 KiB of compact JSON, and not one byte more', () => {
      const most = room(filled(0));
      expect(room(filled(most))).toBe(0);
      expect(parseEvent(filled(most + 1), limits)).toMatchObject({ ok: false, reason: 'too-large' });
    });

    it.each(['é', '€', '😀', '"', '\n', '\u0001'])('counts %j as the bytes it takes in JSON', (letter) => {
      const most = Math.floor(room(filled(0)) / (Buffer.byteLength(JSON.stringify(letter)) - 2));
      expect(parseEvent(filled(most, letter), limits).ok).toBe(true);
      expect(parseEvent(filled(most + 1, letter), limits)).toMatchObject({ ok: false, reason: 'too-large' });
    });

    it.each([
      ['numbers', Array(200_000).fill(1)],
      ['empty arrays', Array(200_000).fill([])],
      ['empty texts', Array(200_000).fill('')],
      ['keys', Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 1]))],
    ])('refuses a great many %s', (_, odd) => {
      expect(parseData({ odd })).toMatchObject({ ok: false, reason: 'too-large' });
    });

    it('does not let attributes it drops make an event too large, but counts the bytes its caller counted', () => {
      expect(parse({ traceparent: 'x'.repeat(100_000) }).ok).toBe(true);
      expect(parse({}, { rawBytes: MAX_EVENT_BYTES }).ok).toBe(true);
      expect(parse({}, { rawBytes: MAX_EVENT_BYTES + 1 })).toMatchObject({ ok: false, reason: 'too-large' });
    });
  });

  it('takes 16 levels, the event being the first', () => {
    expect(parseData(nested(MAX_NESTING - 1)).ok).toBe(true);
    expect(parseData(nested(MAX_NESTING))).toMatchObject({ ok: false, reason: 'too-deep' });
  });
});
