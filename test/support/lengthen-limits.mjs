/** Limits that specs name are for a machine that has nothing else to do; others get so many times as long. */
export const PATIENCE = 4;

/**
 * Lengthens what a step of a run is limited by: of all that name no limit at the beginning, of the others when they begin.
 * @param event of jest-circus. @param state of jest-circus. @param done what was lengthened before: a hook runs many times.
 */
export function lengthenLimits(event, state, done) {
  if (event.name === 'run_start') state.testTimeout *= PATIENCE;
  const limited = event.name === 'hook_start' ? event.hook : event.name === 'test_fn_start' ? event.test : {};
  if (!limited.timeout || done.has(limited)) return;
  limited.timeout *= PATIENCE;
  done.add(limited);
}
