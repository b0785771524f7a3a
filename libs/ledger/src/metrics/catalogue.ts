import { fleetFamilies } from './families/fleet.js';
import { hostFamilies } from './families/hosts.js';
import { jobFamilies } from './families/jobs.js';
import { operationalFamilies } from './families/operational.js';
import { registryFamilies } from './families/registry.js';
import { type MetricFamily } from './types.js';

/** Every family of the scrape. Adding one is adding its definition; kinds of entities add up the families of theirs. */
export const metricFamilies: readonly MetricFamily[] = [
  ...jobFamilies,
  ...fleetFamilies,
  ...registryFamilies,
  ...hostFamilies,
  ...operationalFamilies,
];

const byName = new Map(metricFamilies.map((family) => [family.name, family]));

/** The family of a name, without the suffixes of samples. */
export function metricFamily(name: string): MetricFamily | undefined {
  return byName.get(name);
}
