import { catalogue, type LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { permuted, repeated } from '../support/generators/arrivals.js';
import { everyKindEvents, worldEvents } from '../support/generators/worlds.js';
import { naiveWorld } from './naive-world.js';
import { runs } from './runs.js';
import { summed } from './summed.js';

describe('the naive fold', () => {
  it('does not depend on the order of events, nor on how often they come', () => {
    const arrivals = everyKindEvents(4).chain((events) => fc.tuple(fc.constant(events), repeated(events)));
    fc.assert(
      fc.property(arrivals, ([events, others]) => {
        expect(summed(naiveWorld(others))).toEqual(summed(naiveWorld(events)));
      }),
      runs(300),
    );
  });

  it('never lets a level sink below zero, but for idle slots', () => {
    const levels = ['nodes', 'waiting', 'running', 'busy', 'offline', 'nodes_estimated', 'running_estimated'];
    fc.assert(
      fc.property(worldEvents(3), (events) => {
        const { changes } = naiveWorld(events);
        for (const level of levels) expectNotBelowZero(changes.filter((change) => change.level === level));
      }),
      runs(300),
    );
  });

  it('never has more that is estimated than there is', () => {
    fc.assert(
      fc.property(worldEvents(3), (events) => {
        const { changes } = naiveWorld(events);
        for (const level of ['nodes', 'running']) {
          const less = changes.filter((change) => change.level === `${level}_estimated`);
          const all = changes.filter((change) => change.level === level);
          expectNotBelowZero([...all, ...less.map((change) => ({ ...change, d: -change.d }))]);
        }
      }),
      runs(300),
    );
  });

  it('knows what every kind of event is about: each changes something in some world', () => {
    const told = (events: readonly LogEvent[]): string =>
      summed(naiveWorld(events))
        .filter((row) => !row.startsWith('amount quipu_events '))
        .join('\n');
    const seen = new Set<string>();
    fc.assert(
      fc.property(everyKindEvents(3), (events) => {
        const all = told(events);
        for (const [index, event] of events.entries()) {
          if (seen.has(event.type)) continue;
          if (told(events.filter((_, other) => other !== index)) !== all) seen.add(event.type);
        }
      }),
      { ...runs(600), seed: 1 },
    );
    // It is counted, and says nothing about any other summary.
    const silent = ['reporter.dropped'];
    expect([...seen, ...silent].sort()).toEqual(Object.keys(catalogue).sort());
  });

  it('is told permutations that keep every event', () => {
    fc.assert(
      fc.property(
        worldEvents(2).chain((events) => fc.tuple(fc.constant(events), permuted(events))),
        ([events, others]) => {
          expect(new Set(others)).toEqual(new Set(events));
          expect(others).toHaveLength(events.length);
        },
      ),
      runs(50),
    );
  });
});

function expectNotBelowZero(changes: readonly { readonly t: number; readonly d: number }[]): void {
  for (const t of new Set(changes.map((change) => change.t))) {
    const height = changes.filter((change) => change.t <= t).reduce((sum, { d }) => sum + d, 0);
    expect(height).toBeGreaterThanOrEqual(0);
  }
}
