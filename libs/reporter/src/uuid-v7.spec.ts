import { UuidV7 } from './uuid-v7.js';

describe('ids of events', () => {
  it('are version 7 UUIDs that carry the time', () => {
    const id = new UuidV7().next(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  });

  it('differ and rise, also within one millisecond and when the clock steps back', () => {
    const uuids = new UuidV7();
    const ids = Array.from({ length: 20_000 }, (_, i) =>
      uuids.next(1_700_000_000_000 - (i > 10_000 ? 5_000 : 0)),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });
});
