import { UsageError } from '@quipu/platform';
import { checkWhyOptions } from './why-options.js';

const NOW = Date.UTC(2026, 10, 20);

describe('options of why', () => {
  it('become a question', () => {
    const raw = { limit: '5', events: true, user: 'george', start: '2026-10-01', end: '2026-11-01' };
    expect(checkWhyOptions('node_seconds', raw, NOW)).toEqual({
      ...{ measure: 'node_seconds', now: NOW, limit: 5, events: true, filters: { user: 'george' } },
      ...{ start: Date.UTC(2026, 9, 1), end: Date.UTC(2026, 10, 1) },
    });
  });

  it.each([
    ['node_hours', {}, /no measure/],
    ['queued', { start: '2026-10-01' }, /does not go with queued/],
    ['queued', { at: '2026-10-01' }, /does not go with queued/],
    ['node_seconds', { at: 'now' }, /does not go with node_seconds/],
    ['running', { end: 'now' }, /does not go with running/],
    ['running', { limit: '0' }, /--limit 0/],
    ['node_seconds', { start: 'whenever' }, /not a time/],
  ])('that make no sense are refused: %s %j', (measure, raw, message) => {
    const ask = (): unknown => checkWhyOptions(measure, { limit: '20', ...raw }, NOW);
    expect(ask).toThrow(UsageError);
    expect(ask).toThrow(message);
  });
});
