import { setTimeout as pass } from 'node:timers/promises';

describe('limits that specs name', () => {
  beforeEach(() => pass(1_050), 1_000);

  it('are for a machine that has nothing else to do: others get longer', () => pass(1_050), 1_000);

  it('are lengthened once for each hook', () => pass(1_050), 1_000);
});
