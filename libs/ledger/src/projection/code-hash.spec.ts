import { isEventType, parseEvent, toCloudEvent, upcast } from '@quipu/contracts';
import { entityKinds, route } from '../entities/index.js';
import { CODE_HASH_EVENTS } from '../fixtures/code-hash-events.js';
import { canReseed, codeHash } from './code-hash.js';

describe('the code hash', () => {
  it('is two hashes, always the same ones', () => {
    expect(codeHash()).toMatch(/^[0-9a-f]{32}:[0-9a-f]{32}$/);
    expect(codeHash()).toBe(codeHash());
  });

  it('allows a reseed exactly where the states were folded alike', () => {
    const [fold, sums] = codeHash().split(':');
    expect(canReseed(codeHash())).toBe(true);
    expect(canReseed(`${fold}:${'0'.repeat(32)}`)).toBe(true);
    expect(canReseed(`${'0'.repeat(32)}:${sums}`)).toBe(false);
    expect(canReseed('')).toBe(false);
  });

  it('is taken over valid events of every type that is folded', () => {
    const nowMs = Date.UTC(2025, 0, 1);
    for (const event of CODE_HASH_EVENTS) {
      const parsed = parseEvent(toCloudEvent(event), { nowMs, maxAgeMs: Infinity, backfill: true });
      expect(parsed).toMatchObject({ ok: true });
      expect(isEventType(event.type)).toBe(true);
    }
    const kinds = new Set(CODE_HASH_EVENTS.flatMap((event) => route(upcast(event))).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(Object.keys(entityKinds).sort());
  });
});
