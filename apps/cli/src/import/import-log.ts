import { type TenantDirectory } from '@quipu/access';
import { canonicalEvent, type LogEvent } from '@quipu/contracts';
import { type EventLog, type NewDeadLetter } from '@quipu/event-log';
import { type Pool } from 'pg';
import { withPatience } from '../support/patience.js';
import { readKnownBodies } from './known-bodies.js';
import { countRefused, type Outcome } from './outcome.js';
import { type Group } from './regroup.js';

/** What appending needs. */
export interface LogImport {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly tenants: TenantDirectory;
  readonly tenantMode: 'auto' | 'strict';
  readonly outcome: Outcome;
  /** Ends the import after what is being appended. */
  readonly signal: AbortSignal;
  /** Called when more events have been accounted for. */
  readonly onProgress: () => void;
  readonly onWait: (error: unknown) => void;
}

/** Appends groups of events one after the other; the next group is read while one is being appended. */
export async function importViaLog(groups: AsyncIterable<Group>, context: LogImport): Promise<void> {
  const appender = new Appender(context);
  let current: Promise<void> = Promise.resolve();
  for await (const group of groups) {
    await current;
    if (context.signal.aborted) return;
    current = appender.append(group);
    // Awaited in the next round or below; without this a failure meanwhile would count as unhandled.
    current.catch(() => undefined);
  }
  await current;
}

class Appender {
  /** Last position before the append in progress: what lies after it was appended by this append. */
  private before: bigint | undefined;

  constructor(private readonly context: LogImport) {}

  async append(group: Group): Promise<void> {
    const { log, outcome, onProgress } = this.context;
    const { events, deadLetters } = await this.sortOut(group);
    const before = (this.before ??= (await this.patiently(() => log.head())).position);
    let inDoubt = false;
    const result = await this.patiently(
      () => log.append({ events, deadLetters }),
      () => (inDoubt = true),
    );
    const { appended, duplicates, conflicts } = result;
    // An append whose answer was lost may have been committed: its repetition calls our own events known.
    const own = inDoubt ? await this.appendedAfter(before, events, result.outcomes) : 0;
    outcome.added += appended + own;
    outcome.duplicates += duplicates - own;
    outcome.conflicts += conflicts;
    countRefused(
      outcome,
      Array.from({ length: result.refused }, () => ({ reason: 'refused-by-log' as const })),
    );
    if (result.lastPosition !== null) this.before = result.lastPosition;
    onProgress();
  }

  private async sortOut(group: Group): Promise<{ events: LogEvent[]; deadLetters: NewDeadLetter[] }> {
    const { tenants, tenantMode, outcome } = this.context;
    const ids = new Set(group.events.map((event) => event.tenant));
    const { refused } = await this.patiently(() => tenants.ensure(ids, tenantMode));
    for (const id of ids) if (!refused.has(id)) outcome.tenants.add(id);
    const deadLetters: NewDeadLetter[] = group.refused.map((letter) => ({ ...letter }));
    countRefused(outcome, group.refused);
    if (refused.size === 0) return { events: group.events, deadLetters };
    const events: LogEvent[] = [];
    for (const event of group.events) {
      const detail = refused.get(event.tenant);
      if (detail === undefined) {
        events.push(event);
        continue;
      }
      const raw = Buffer.from(canonicalEvent(event));
      deadLetters.push({ raw, reason: 'unknown-tenant', detail, tenant: event.tenant });
      countRefused(outcome, [{ reason: 'unknown-tenant' }]);
    }
    return { events, deadLetters };
  }

  private async appendedAfter(
    before: bigint,
    events: LogEvent[],
    outcomes: readonly string[],
  ): Promise<number> {
    const doubtful = events.filter((_, index) => outcomes[index] === 'duplicate');
    const known = await this.patiently(() => readKnownBodies(this.context.pool, doubtful));
    return known.filter((body) => body !== null && body.position > before).length;
  }

  private patiently<T>(work: () => Promise<T>, onFailure: () => void = () => {}): Promise<T> {
    const { signal, onWait } = this.context;
    return withPatience(work, {
      signal,
      onWait: (error) => {
        onFailure();
        onWait(error);
      },
    });
  }
}
