import { type CurrentEvent, type EventType } from '@quipu/contracts';
import {
  type Contributions,
  type EntityKey,
  entityKinds,
  type EntityKind,
  type Link,
  route,
} from '../src/entities/index.js';
import { AmountBatch } from '../src/storage/amount-batch.js';
import { MemberBatch } from '../src/storage/member-batch.js';

let serial = 0;

/** An event of the newest version as the log would hold it. */
export function event(
  type: EventType,
  subject: string,
  time: number,
  data: object = {},
  tenant = 'acme',
): CurrentEvent {
  const base = { tenant, source: 'test', id: `e${serial++}`, dataversion: 1 };
  return { ...base, type, subject, time, data } as unknown as CurrentEvent;
}

const kindOf = (key: EntityKey): EntityKind<unknown> => entityKinds[key.kind];

/** Folds events one after the other as the projection does: before and after, links told after each event. */
export function fold(events: readonly CurrentEvent[]): {
  amounts: Record<string, string>;
  members: Record<string, number>;
} {
  const states = new Map<string, { key: EntityKey; state: unknown; stands: Contributions }>();
  const amounts = new AmountBatch();
  const members = new MemberBatch();
  const change = (
    key: EntityKey,
    work: (state: unknown) => unknown,
  ): { before: readonly Link[]; after: readonly Link[] } => {
    const name = JSON.stringify(key);
    const empty = kindOf(key).empty(key);
    const held = states.get(name) ?? { key, state: empty, stands: kindOf(key).contributions(key, empty) };
    states.set(name, held);
    const before = kindOf(key).links(key, held.state);
    // A state survives as JSON between batches.
    held.state = JSON.parse(JSON.stringify(work(held.state)));
    const now = kindOf(key).contributions(key, held.state);
    for (const amount of held.stands.amounts) amounts.add(amount, -1);
    for (const amount of now.amounts) amounts.add(amount, 1);
    for (const member of held.stands.members) members.before({ ...member, score: 0 });
    held.stands = now;
    return { before, after: kindOf(key).links(key, held.state) };
  };
  for (const one of events) {
    for (const key of route(one)) {
      const { before, after } = change(key, (state) => kindOf(key).merge(state, one));
      for (const link of before)
        change(link.target, (state) => kindOf(link.target).linked(state, link, false));
      for (const link of after) change(link.target, (state) => kindOf(link.target).linked(state, link, true));
    }
  }
  const last = new MemberBatch();
  for (const { stands } of states.values()) for (const member of stands.members) last.after(member);
  return {
    amounts: Object.fromEntries(
      amounts
        .finish()
        .map(
          ({ family, tenant, labels, sum }) => [`${family}|${tenant}|${labels}`, String(sum.value)] as const,
        )
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
    members: Object.fromEntries(
      last
        .finish()
        .map(
          ({ family, tenant, labels, member, after }) =>
            [`${family}|${tenant}|${labels}|${member}`, after!] as const,
        )
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
}

/** Only the series of these families. */
export function of(events: readonly CurrentEvent[], ...families: string[]): Record<string, string | number> {
  const { amounts, members } = fold(events);
  const wanted = ([name]: [string, unknown]): boolean => families.includes(name.split('|')[0]!);
  return Object.fromEntries([...Object.entries(amounts), ...Object.entries(members)].filter(wanted));
}
