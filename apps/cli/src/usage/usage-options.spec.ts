import { checkUsageOptions } from './usage-options.js';

const NOW = Date.parse('2026-11-20T08:00:00Z');

describe('options of usage', () => {
  it('become a question to the read model', () => {
    const raw = {
      level: 'waiting',
      by: 'tenant, user,tenant',
      start: '-7d',
      bucket: 'day',
      queue: 'q1',
      service: 'ssh',
    } as const;
    expect(checkUsageOptions(raw, NOW)).toEqual({
      ...{ level: 'waiting', now: NOW, start: NOW - 7 * 86_400_000, bucket: 'day' },
      ...{ filters: { queue: 'q1', service: 'ssh' }, groupBy: ['tenant', 'user'] },
    });
  });

  it('leave the window to the read model when none is given', () => {
    expect(checkUsageOptions({ level: 'nodes' }, NOW)).toEqual({
      level: 'nodes',
      now: NOW,
      filters: {},
      groupBy: [],
    });
  });

  it.each(['colour', 'tenant,', 'service', ''])('refuse to group by %j', (by) => {
    expect(() => checkUsageOptions({ level: 'nodes', by }, NOW)).toThrow('is unknown');
  });
});
