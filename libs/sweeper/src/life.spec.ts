import fc from 'fast-check';
import { addFact, connectionOf, isInTouch, type Life, type LifeFact, newLife } from './life.js';

const KEY = { tenant: 'superadmin', worker: 'w', life: 'a' };
const at = (timeMs: number, recordedMs = timeMs) => ({
  sign: { timeMs, source: 's', id: `${timeMs}` },
  recordedMs,
});
const connected = (t: number): LifeFact => ({ kind: 'connected', ...at(t) });
const heartbeat = (t: number): LifeFact => ({ kind: 'heartbeat', ...at(t) });
const ended = (timeMs: number): LifeFact => ({ kind: 'ended', timeMs });
const lost = (timeMs: number, sinceMs: number | null): LifeFact => ({
  kind: 'presumed-lost',
  timeMs,
  sinceMs,
});

function lifeOf(facts: readonly LifeFact[]): Life {
  const life = newLife(KEY, 50, false);
  for (const fact of facts) addFact(life, fact);
  return life;
}

describe('a life', () => {
  it.each<[string, LifeFact[], boolean]>([
    ['nothing but its registration', [{ kind: 'registered', timeMs: 1 }], false],
    ['connected', [connected(1)], true],
    ['a heartbeat alone', [heartbeat(1)], true],
    ['left', [connected(1), ended(5)], false],
    ['left in the millisecond of its last heartbeat', [connected(1), heartbeat(5), ended(5)], false],
    ['heard after it left', [connected(1), ended(5), heartbeat(6)], true],
    ['lost at its last heartbeat', [connected(1), heartbeat(5), lost(5, 1)], false],
    ['heard after it was lost', [connected(1), heartbeat(5), lost(5, 1), heartbeat(6)], true],
    ['connected again after it was lost', [connected(1), lost(1, 1), connected(9)], true],
    ['lost, but another connection', [connected(1), lost(20, 1), connected(9)], true],
    ['lost twice', [connected(1), lost(1, 1), connected(9), lost(9, 9)], false],
    ['lost without a connection', [heartbeat(5), lost(5, null)], false],
    ['retired', [connected(1), { kind: 'retired', timeMs: 0 }], false],
  ])('is in touch or not: %s', (_, facts, expected) => {
    expect(isInTouch(lifeOf(facts))).toBe(expected);
  });

  it('knows the connection it is in', () => {
    expect(connectionOf(lifeOf([connected(3), heartbeat(9)]))).toBe(3);
    expect(connectionOf(lifeOf([connected(3), ended(3)]))).toBeNull();
    expect(connectionOf(lifeOf([heartbeat(3)]))).toBeNull();
  });

  it('is the same in whatever order, and however often, its facts come', () => {
    const time = fc.integer({ min: 0, max: 20 });
    const fact = fc.oneof(
      time.map(connected),
      time.map(heartbeat),
      time.map(ended),
      fc.tuple(time, fc.option(time)).map(([t, since]) => lost(t, since)),
    );
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 12 }), fc.array(fc.nat()), (facts, order) => {
        const shuffled = facts
          .map((one, i) => ({ one, rank: order[i] ?? 0 }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ one }) => one);
        expect(lifeOf([...shuffled, ...facts])).toEqual(lifeOf(facts));
      }),
    );
  });
});
