import { formatTimestamp } from '@quipu/contracts';
import type { EventRefusal, FoundEvent } from '@quipu/event-log';

/** What an answer tells of an event; null if nothing is known of it. Positions tell the platform's volume. */
export function eventState({ logged, refusals }: FoundEvent, withPosition: boolean): object | null {
  if (logged !== null) {
    return {
      state: 'logged',
      recorded: moment(logged.recordedMs),
      type: logged.type,
      subject: logged.subject,
      time: moment(logged.timeMs),
      ...(withPosition ? { position: logged.position.toString() } : {}),
      ...(refusals.length === 0 ? {} : { deadLetters: refusals.map(refusal) }),
    };
  }
  return refusals.length === 0 ? null : { state: 'dead-letter', deadLetters: refusals.map(refusal) };
}

function refusal({ reason, detail, status, firstSeenMs, lastSeenMs, seen }: EventRefusal): object {
  return {
    reason,
    detail,
    status,
    firstSeen: moment(firstSeenMs),
    lastSeen: moment(lastSeenMs),
    seen,
  };
}

function moment(ms: number | null): string | null {
  return ms === null ? null : formatTimestamp(ms);
}
