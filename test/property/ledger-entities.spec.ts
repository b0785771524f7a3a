import type { LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { cut, permuted } from '../support/generators/arrivals.js';
import { shiftEvents, shifts } from '../support/generators/shifts.js';
import {
  everyKindEvents,
  jobEvents,
  nodeEvents,
  otherEvents,
  workerEvents,
  worldEvents,
} from '../support/generators/worlds.js';
import { ledgerWorld } from './ledger-world.js';
import { naiveWorld } from './naive-world.js';
import { runs } from './runs.js';
import { summed } from './summed.js';

/** Events, and the same in another order and cut into batches. */
function arrivals(events: fc.Arbitrary<LogEvent[]>): fc.Arbitrary<[LogEvent[], LogEvent[][]]> {
  return events.chain((told) =>
    fc.tuple(
      fc.constant(told),
      permuted(told).chain((other) => cut(other, 4)),
    ),
  );
}

function expectEqualFolds([events, batches]: [LogEvent[], LogEvent[][]]): void {
  expect(summed(ledgerWorld(batches))).toEqual(summed(naiveWorld(events)));
}

describe("the ledger's entities, in any order and any batches, equal the naive fold", () => {
  it('for jobs', () => {
    fc.assert(fc.property(arrivals(jobEvents), expectEqualFolds), runs(2_000));
  });

  it('for nodes', () => {
    fc.assert(fc.property(arrivals(nodeEvents), expectEqualFolds), runs(600));
  });

  it('for workers', () => {
    fc.assert(fc.property(arrivals(workerEvents), expectEqualFolds), runs(1_000));
  });

  it('for workers that fall silent, with the ends of their jobs guessed and what came to light later', () => {
    const told = shifts({ skewed: true }).map((shift) => Object.values(shiftEvents(shift)).flat());
    fc.assert(fc.property(arrivals(told), expectEqualFolds), runs(300));
  });

  it('for worlds in which jobs hold workers of other tenants', () => {
    fc.assert(fc.property(arrivals(worldEvents(6)), expectEqualFolds), runs(300));
  });

  it('for users with identities, hosts with alerts, artifacts and records', () => {
    fc.assert(fc.property(arrivals(otherEvents(6)), expectEqualFolds), runs(1_000));
  });

  it('for worlds of every kind', () => {
    fc.assert(fc.property(arrivals(everyKindEvents(8)), expectEqualFolds), runs(300));
  });
});
