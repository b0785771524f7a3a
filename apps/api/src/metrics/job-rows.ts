import type { Totals } from '@quipu/read-models';
import { Turns } from './breathe.js';
import type { MetricsView } from './metrics-view.js';
import type { ToldRows } from './told-rows.js';

/** State of the total that {@link tellWaiting} splits: it is no line by itself. */
export const SPLIT_STATE = 'waiting';

/** What waits, as members scored by when it is due. */
export const WAITING = 'waiting';

/** The score (ms) from which on what waits is not due. */
export function waitingBounds(now: number): [number] {
  return [now + 1];
}

/** What waits is told apart by time, at the instant of asking: `queued` is due, `delayed` is not. */
export async function tellWaiting(
  totals: Totals,
  view: MetricsView,
  now: number,
  told: ToldRows,
): Promise<void> {
  const turns = new Turns();
  told.begin();
  for (const { tenant, labels, atLeast, total } of await totals.members(WAITING, waitingBounds(now))) {
    if (turns.due()) await turns.take();
    if (!view.sees(tenant, 'tenant')) continue;
    const later = atLeast[0] ?? 0;
    const tell = (state: string, count: number): void => {
      if (count === 0) return;
      const labelled = () => {
        const { queue = '' } = JSON.parse(labels) as Record<string, string>;
        return { tenant, labels: { queue, state } };
      };
      told.tell(`${state}\n${tenant}\n${labels}`, labelled, BigInt(count));
    };
    // Redis counts the one after the other: what leaves in between must not make the difference negative.
    tell('queued', Math.max(0, total - later));
    tell('delayed', later);
  }
  await told.end();
}
