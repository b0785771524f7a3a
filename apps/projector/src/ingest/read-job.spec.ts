import { sampleCloudEvent } from '../../test/sample-job.js';
import { readJob, UnreadableData } from './read-job.js';

const limits = { nowMs: Date.now(), maxAgeMs: 400 * 86_400_000 };

describe('readJob', () => {
  it.each([
    ['one event', (event: object) => event],
    ['an array', (event: object) => [event]],
    ['a batch', (event: object) => ({ events: [event] })],
  ])('reads %s', (_, wrap) => {
    const event = sampleCloudEvent();
    const { events, letters } = readJob('7', wrap(event), limits);
    expect(letters).toEqual([]);
    expect(events).toMatchObject([{ jobId: '7', raw: event, event: { id: event['id'], tenant: 'acme' } }]);
  });

  it('makes a dead letter of what is no event, with its bytes, and keeps the others', () => {
    const good = [sampleCloudEvent(), sampleCloudEvent()];
    const bad = [
      null,
      'text',
      sampleCloudEvent({ type: 'job.unheard' }),
      sampleCloudEvent({ data: { nodes: -1 } }),
    ];
    const { events, letters } = readJob('7', { events: [good[0], ...bad, good[1]] }, limits);
    expect(events.map(({ raw }) => raw)).toEqual(good);
    expect(letters.map(({ raw }) => JSON.parse(raw.toString()))).toEqual(bad);
    expect(letters).toMatchObject([
      { reason: 'malformed', jobId: '7' },
      { reason: 'malformed', jobId: '7' },
      { reason: 'unknown-type', tenant: 'acme', jobId: '7' },
      { reason: 'invalid-data', tenant: 'acme', jobId: '7' },
    ]);
  });

  it('lets only a backfill bring old events', () => {
    const old = sampleCloudEvent({ time: '1999-01-01T00:00:00Z' });
    expect(readJob('7', { events: [old] }, limits).letters).toMatchObject([{ reason: 'too-old' }]);
    expect(readJob('7', { events: [old], import: true }, limits).events).toHaveLength(1);
  });

  it.each([[null], [17], ['text'], [{ events: 'none' }], [{ events: new Array(501).fill({}) }]])(
    'makes one dead letter of an unreadable job: %j',
    (data) => {
      const { events, letters } = readJob('7', data, limits);
      expect(events).toEqual([]);
      expect(letters).toMatchObject([{ reason: 'malformed', raw: Buffer.from(JSON.stringify(data)) }]);
    },
  );

  it('keeps what is nested too deeply to be written by recursion, and the events beside it', () => {
    const depth = 100_000;
    const text = `{"a":[1,{"b":null}],"c":${'[{"d":'.repeat(depth)}"e"${'}]'.repeat(depth)}}`;
    const good = sampleCloudEvent();
    const { events, letters } = readJob('7', [JSON.parse(text), good], limits);
    expect(events).toMatchObject([{ raw: good }]);
    expect(letters).toHaveLength(1);
    expect(letters[0]!.raw.toString() === text).toBe(true);
  });

  it('keeps the bytes of data that is no JSON', () => {
    const { letters } = readJob('7', new UnreadableData('{"cut'), limits);
    expect(letters).toMatchObject([{ reason: 'malformed', raw: Buffer.from('{"cut'), jobId: '7' }]);
  });
});
