import { UsageError } from '@quipu/platform';
import { applyEdits } from './edits.js';

const edit = (event: unknown, set: string[], unset: string[] = []) => applyEdits(event, { set, unset });

describe('changing the event of a dead letter', () => {
  it('sets and takes away by dotted path or pointer, and leaves the original alone', () => {
    const event = { id: '1', data: { attempt: 'x', labels: { 'a.b': 'c' }, junk: 1 } };
    expect(
      edit(
        event,
        ['data.attempt=2', '/data/labels/a.b=d=e', 'data.user=ann', 'extra.deep="2"'],
        ['data.junk'],
      ),
    ).toEqual({
      ...{ id: '1', extra: { deep: '2' } },
      data: { attempt: 2, labels: { 'a.b': 'd=e' }, user: 'ann' },
    });
    expect(event.data.attempt).toBe('x');
  });

  it('refuses what leads nowhere', () => {
    expect(() => edit({ id: '1' }, ['id.deep=2'])).toThrow(UsageError);
    expect(() => edit({}, ['nothing'])).toThrow(UsageError);
    expect(() => edit({}, ['__proto__.x=1'])).toThrow(UsageError);
    expect(() => edit({}, ['a..b=1'])).toThrow(UsageError);
    expect(() => edit([], ['a=1'])).toThrow(UsageError);
  });
});
