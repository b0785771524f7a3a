import { type PoolRow } from '@quipu/read-models';
import { secondsText } from '../answers/seconds-text.js';

/** Columns of the CSV, and members of each row. */
export const POOL_COLUMNS = [
  ...['tenant', 'pool', 'workers', 'busy', 'idle', 'offline', 'lost', 'instances'],
  ...['slots', 'connectedSlots', 'heldSlots', 'ratioNow', 'ratio'],
  ...['busySeconds', 'idleSeconds', 'offlineSeconds', 'registeredSeconds', 'estimated', 'estimatedSeconds'],
] as const;

/** A pool as it is written. */
export function writePool(row: PoolRow): Readonly<Record<string, unknown>> {
  const { tenant, pool, workers, states, instances, slots, connectedSlots, heldSlots, ratioNow, ratio } = row;
  return {
    ...{ tenant, pool, workers, ...states, instances },
    ...{ slots, connectedSlots, heldSlots, ratioNow, ratio },
    ...{ busySeconds: secondsText(row.busy), idleSeconds: secondsText(row.idle) },
    ...{ offlineSeconds: secondsText(row.offline), registeredSeconds: secondsText(row.registered) },
    ...{ estimated: row.estimated > 0n, estimatedSeconds: secondsText(row.estimated) },
  };
}
