import { type CachedEntity, EntityCache, entityName } from './entity-cache.js';

function entity(id: string, pins = 0): CachedEntity {
  return { key: { tenant: 'acme', kind: 'job', id }, json: 'x'.repeat(700), stored: true, pins };
}

describe('EntityCache', () => {
  it('drops what was not used for longest, and only when it is over its limit', () => {
    const cache = new EntityCache(3_000);
    for (const id of ['a', 'b', 'c']) cache.add(id, entity(id));
    cache.trim();
    expect(cache.has('a')).toBe(true);
    cache.get('a');
    cache.add('d', entity('d'));
    cache.trim();
    expect(['a', 'b', 'c', 'd'].filter((id) => cache.has(id))).toEqual(['a', 'c', 'd']);
  });

  it('never drops what a batch under way has changed', () => {
    const cache = new EntityCache(1_500);
    const pinned = entity('pinned', 1);
    cache.add('pinned', pinned);
    for (const id of ['a', 'b', 'c']) cache.add(id, entity(id));
    cache.trim();
    expect(cache.has('pinned')).toBe(true);
    expect(cache.has('b')).toBe(false);
    pinned.pins = 0;
    cache.add('d', entity('d'));
    cache.trim();
    expect(cache.has('pinned')).toBe(false);
  });

  it('counts a state that grows', () => {
    const cache = new EntityCache(2_500);
    const small = entity('small');
    cache.add('small', small);
    cache.add('other', entity('other'));
    cache.put(small, 'x'.repeat(2_000));
    cache.trim();
    expect(cache.has('small')).toBe(false);
    cache.clear();
    expect(cache.has('other')).toBe(false);
  });

  it('tells entities of different kinds and tenants apart', () => {
    const names = [
      entityName({ tenant: 'a', kind: 'job', id: 'x' }),
      entityName({ tenant: 'a', kind: 'node', id: 'x' }),
      entityName({ tenant: 'b', kind: 'job', id: 'x' }),
    ];
    expect(new Set(names).size).toBe(3);
  });
});
