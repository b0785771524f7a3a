import { TestEnvironment } from 'jest-environment-node';
import { lengthenLimits } from './lengthen-limits.mjs';

/** Runs specs as jest's own environment for Node does, but lets them take longer than they say. */
export default class PatientEnvironment extends TestEnvironment {
  lengthened = new WeakSet();

  /** Called by jest at each step of a run. */
  handleTestEvent(event, state) {
    lengthenLimits(event, state, this.lengthened);
  }
}
