interface Limited {
  timeout?: number;
}
/** Plain JavaScript, as jest loads it. */
const MODULE: string = './lengthen-limits.mjs';

type Lengthen = (event: object, state: { testTimeout: number }, done: WeakSet<object>) => void;

describe('limits that specs name', () => {
  it('are for a machine that has nothing else to do: others get longer, once for each hook', async () => {
    const { lengthenLimits, PATIENCE } = (await import(MODULE)) as {
      lengthenLimits: Lengthen;
      PATIENCE: number;
    };
    const state = { testTimeout: 1_000 };
    const hook: Limited = { timeout: 200 };
    const [test, unlimited]: Limited[] = [{ timeout: 300 }, {}];
    const done = new WeakSet<object>();
    lengthenLimits({ name: 'run_start' }, state, done);
    for (let n = 0; n < 2; n += 1) {
      lengthenLimits({ name: 'hook_start', hook }, state, done);
      lengthenLimits({ name: 'test_start', test }, state, done);
    }
    for (const one of [test, unlimited]) lengthenLimits({ name: 'test_fn_start', test: one }, state, done);
    expect([state.testTimeout, hook.timeout, test?.timeout, unlimited]).toEqual([
      ...[1_000 * PATIENCE, 200 * PATIENCE, 300 * PATIENCE, {}],
    ]);
  });

  // Its limit is so short that no machine ends it in time, unless it is lengthened.
  it('are lengthened by the environment that specs run in', async () => {
    const { setTimeout: pass } = await import('node:timers/promises');
    await pass(1_100);
  }, 1_000);
});
