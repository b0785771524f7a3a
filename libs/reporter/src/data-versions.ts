import { catalogue, type EventType } from '@quipu/contracts';

/**
 * Newest version of the data of each type that has more than one. The package for programs outside holds the numbers
 * alone (pack.mjs): it has no use for the schemas that the catalogue brings along.
 */
export const DATA_VERSIONS: ReadonlyMap<string, number> = new Map(
  (Object.keys(catalogue) as EventType[])
    .map((type) => [type, catalogue[type].version] as const)
    .filter(([, version]) => Number(version) > 1),
);
