import { TestEnvironment } from 'jest-environment-node';

/** Limits that specs name are for a machine that has nothing else to do; others get so many times as long. */
const PATIENCE = 4;

/** Runs specs as jest's own environment for Node does, but lets them take longer than they say. */
export default class PatientEnvironment extends TestEnvironment {
  lengthened = new WeakSet();

  /** Called by jest at each step of a run. */
  handleTestEvent(event, state) {
    if (event.name === 'run_start') state.testTimeout *= PATIENCE;
    if (event.name === 'hook_start') this.lengthen(event.hook);
    if (event.name === 'test_fn_start') this.lengthen(event.test);
  }

  /** A hook runs many times, and is one object. */
  lengthen(limited) {
    if (!limited.timeout || this.lengthened.has(limited)) return;
    limited.timeout *= PATIENCE;
    this.lengthened.add(limited);
  }
}
