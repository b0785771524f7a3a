import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Principal, type TenantDirectory } from '@quipu/access';
import { type LogEvent, parseEvent, type ParseLimits } from '@quipu/contracts';
import { type RefusedEvent, ruleBroken } from './door-rules.js';
import { parseText, type SentEvents } from './read-events.js';

/** An event that may go into the queue. */
export interface AcceptedEvent {
  /** Its place in the request, from 0. */
  readonly index: number;
  readonly event: LogEvent;
  /** Characters it was sent in. */
  readonly size: number;
}

/** What a request brought. */
export interface Judged {
  readonly accepted: readonly AcceptedEvent[];
  /** By index. */
  readonly rejected: readonly RefusedEvent[];
}

/** Events looked at in one turn of the event loop: no request keeps the others waiting for long. */
const TURN = 200;

/**
 * Decides about each event of a request: is it an event, and may this key report it. Tenants never come into being
 * here, whoever names them.
 */
export async function judgeEvents(
  principal: Principal,
  sent: SentEvents,
  limits: ParseLimits,
  tenants: Pick<TenantDirectory, 'ensure'>,
): Promise<Judged> {
  const good: AcceptedEvent[] = [];
  const rejected: RefusedEvent[] = [];
  for (const [index, text] of sent.texts.entries()) {
    if (index % TURN === TURN - 1) await nextTurn();
    const parsed = parseText(text, sent);
    if ('reason' in parsed) {
      rejected.push({ index, ...parsed });
      continue;
    }
    const result = parseEvent(parsed.value, limits);
    if (!result.ok) {
      rejected.push({ index, reason: result.reason, detail: result.detail });
      continue;
    }
    const broken = ruleBroken(principal, result.event);
    if (broken === null) good.push({ index, event: result.event, size: text.length });
    else rejected.push({ index, ...broken });
  }
  const { refused } = await tenants.ensure(new Set(good.map(({ event }) => event.tenant)), 'strict');
  const accepted = good.filter(({ index, event }) => {
    const detail = refused.get(event.tenant);
    if (detail !== undefined) rejected.push({ index, reason: 'unknown-tenant', detail: `tenant: ${detail}` });
    return detail === undefined;
  });
  return { accepted, rejected: rejected.sort((a, b) => a.index - b.index) };
}
