import type { EventType } from '@quipu/contracts';

/**
 * Newest version of the data of each type that has more than one. The catalogue knows too, but brings its schemas
 * along, which a program that only reports has no use for.
 */
export const DATA_VERSIONS: ReadonlyMap<EventType, number> = new Map<EventType, number>([]);
