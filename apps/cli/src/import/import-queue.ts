import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog } from '@quipu/event-log';
import { withPatience } from '../support/patience.js';
import { Courier, type CourierContext } from './courier.js';
import { countRefused } from './outcome.js';
import { type Group } from './regroup.js';

/** What sending through the queue needs. */
export interface QueueImport extends CourierContext {
  readonly log: EventLog;
  /** Ends the import; what is on the way arrives without us. */
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

/** Events on their way at most: keeps the memory of a large import bounded, and the queue short. */
const WINDOW = 40_000;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/**
 * Sends groups of events through the queue and ends when the log holds every one of them, or has refused it.
 * What gets lost on the way (a flushed Redis) is sent again.
 */
export async function importViaQueue(groups: AsyncIterable<Group>, context: QueueImport): Promise<void> {
  const courier = new Courier(context);
  for await (const group of groups) {
    if (context.signal.aborted) break;
    await bury(group, context);
    await courier.send(group.events);
    context.onProgress();
    await waitUntil(courier, WINDOW, context);
  }
  await waitUntil(courier, 0, context);
  context.outcome.onTheWay = courier.onTheWay;
}

async function waitUntil(courier: Courier, most: number, context: QueueImport): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  while (courier.onTheWay > most && !context.signal.aborted) {
    const arrived = await courier.lookForArrivals();
    if (arrived > 0) {
      pause = FIRST_PAUSE_MS;
      context.onProgress();
    } else {
      await sleep(pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }
}

/** Pieces of the file that are no events cannot travel as events: they become dead letters here. */
async function bury(group: Group, context: QueueImport): Promise<void> {
  if (group.refused.length === 0) return;
  const deadLetters = group.refused.map((letter) => ({ ...letter }));
  await withPatience(() => context.log.append({ events: [], deadLetters }), { onWait: context.onWait });
  countRefused(context.outcome, group.refused);
}
