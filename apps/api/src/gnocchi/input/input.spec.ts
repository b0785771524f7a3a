import { readTimestamp } from './timestamps.js';
import { parseUuid, resourceUuid } from './uuids.js';

describe('times', () => {
  it.each([
    [1425652437.5, 1425652437, 500_000_000],
    ['1425652437', 1425652437, 0],
    ['2015-03-06T14:33:57', 1425652437, 0],
    ['2015-03-06 14:33:57.123456789Z', 1425652437, 123_456_789],
    ['2015-03-06T14:33:57+01:30', 1425647037, 0],
    ['2015-03-06', 1425600000, 0],
    ['2015-03-06T14:34', 1425652440, 0],
    ['-5 minutes', 700, 0],
  ])('%j', (text, seconds, nanos) => {
    expect(readTimestamp(text, 1_000_000)).toEqual({ seconds, nanos });
  });
});

describe('ids', () => {
  it('are read in any form, and made of names and their creators', () => {
    const id = '4c964d57-9d67-4c49-bc61-d48d15b705c6';
    for (const form of [id, id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`, `urn:uuid:${id}`]) {
      expect(parseUuid(form)).toBe(id);
    }
    expect(parseUuid('foo')).toBeNull();
    expect(resourceUuid(id, 'ann')).toBe(id);
    expect(resourceUuid('server', 'ann')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(resourceUuid('server', 'ann')).not.toBe(resourceUuid('server', 'bob'));
  });

  it('are made of names of a length, counted in characters', () => {
    expect(resourceUuid('😀'.repeat(289), 'ann')).toMatch(/-5/);
    expect(() => resourceUuid('r'.repeat(290), 'ann')).toThrow('max allowed characters');
  });
});
