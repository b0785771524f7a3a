import fc from 'fast-check';
import { MAX_EVENTS_PER_JOB, parseQueuePayload } from './queue.js';

describe('parseQueuePayload', () => {
  it('takes an object for one event', () => {
    const event = { specversion: '1.0', id: '1' };
    expect(parseQueuePayload(event)).toEqual({ events: [event], backfill: false });
    expect(parseQueuePayload({})).toEqual({ events: [{}], backfill: false });
  });

  it('takes an array for events, whatever they are', () => {
    expect(parseQueuePayload([])).toEqual({ events: [], backfill: false });
    expect(parseQueuePayload([1, null])).toEqual({ events: [1, null], backfill: false });
  });

  it('reads a batch, and whether it is a backfill', () => {
    expect(parseQueuePayload({ events: [1] })).toEqual({ events: [1], backfill: false });
    expect(parseQueuePayload({ events: [1], import: true })).toEqual({ events: [1], backfill: true });
    expect(parseQueuePayload({ events: [1], import: false })).toEqual({ events: [1], backfill: false });
  });

  it('does not mistake an event that carries an attribute of that name for a batch', () => {
    const event = { specversion: '1.0', events: [] };
    expect(parseQueuePayload(event)).toEqual({ events: [event], backfill: false });
  });

  it.each([[null], [undefined], ['x'], [7], [true], [{ events: 'x' }], [{ events: [], import: 'yes' }]])(
    'says what is wrong with %j',
    (data) => {
      expect(parseQueuePayload(data)).toEqual({ error: expect.stringMatching(/^job data.*expected/) });
    },
  );

  it('refuses more events than one job may carry', () => {
    expect(parseQueuePayload(Array(MAX_EVENTS_PER_JOB).fill(0))).toHaveProperty('events');
    expect(parseQueuePayload(Array(MAX_EVENTS_PER_JOB + 1).fill(0))).toHaveProperty('error');
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (data) => void parseQueuePayload(data)));
  });
});
