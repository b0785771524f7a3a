import { type StoredEvent, upcast } from '@quipu/contracts';
import { entityKinds, type EntityKey, type EntityKind, LEDGER_PROJECTION, route } from '@quipu/ledger';
import { chunksOf } from './cursor.js';
import { EVENT_COLUMNS, type EventRow, eventOf } from './event-row.js';
import type { LedgerSnapshot } from './ledger-snapshot.js';
import { readSkips } from './skips.js';

/** Where facts are read from. */
export type FactSource = Pick<LedgerSnapshot, 'client' | 'archived'>;

/** Most events that travel at once. */
const CHUNK = 2_000;

/**
 * States of entities as the events up to a position make them, in the order of `keys`; an entity that had none yet is
 * empty. Events that an operator skipped were never folded, and are left out here too.
 */
export async function refold(
  source: FactSource,
  keys: readonly EntityKey[],
  upTo: bigint,
): Promise<unknown[]> {
  const states = keys.map((key) => kindOf(key).empty(key));
  if (keys.length === 0) return states;
  const places = new Map(keys.map((key, place) => [nameOf(key.tenant, key.id), place]));
  for await (const events of factsOf(source, keys, upTo)) {
    for (const stored of events) {
      const event = upcast(stored);
      const place = places.get(nameOf(event.tenant, event.subject));
      const key = place === undefined ? undefined : keys[place];
      if (place === undefined || key === undefined || !route(event).some(({ kind }) => kind === key.kind))
        continue;
      states[place] = kindOf(key).merge(states[place], event);
    }
  }
  return states;
}

/** The facts of entities up to a position: those of each entity in the order of the log. */
export async function* factsOf(
  { client, archived }: FactSource,
  keys: readonly EntityKey[],
  upTo: bigint,
): AsyncGenerator<StoredEvent[]> {
  const early = await archivedFacts({ client, archived }, keys, upTo);
  if (early.length > 0) yield early;
  for await (const rows of chunksOf<EventRow>(client, FACTS, [...columns(keys), String(upTo)], CHUNK)) {
    yield rows.map(eventOf).filter(({ position }) => position >= archived.end);
  }
}

/** The archived ones of {@link factsOf}, entity after entity. */
async function archivedFacts(
  { client, archived }: FactSource,
  keys: readonly EntityKey[],
  upTo: bigint,
): Promise<StoredEvent[]> {
  if (archived.end === 0n || keys.length === 0) return [];
  const wishes = keys.map(({ tenant, id }) => ({ tenant, subject: id }));
  const events = (await archived.readEntities(wishes, upTo)).flat();
  if (events.length === 0) return [];
  const skips = await readSkips(client);
  return events.filter(({ position }) => !skips.has(position));
}

/** LATERAL and OFFSET 0 keep it one walk of the entity's index entries, whatever the planner thinks of the log. */
const FACTS = `
SELECT ${EVENT_COLUMNS} FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS x (tenant, subject, place)
 CROSS JOIN LATERAL (
   SELECT * FROM log g WHERE g.tenant = x.tenant AND g.subject = x.subject AND g.position <= $3::bigint
      AND NOT EXISTS (SELECT FROM projection_skips s WHERE s.name = '${LEDGER_PROJECTION}' AND s.position = g.position)
    ORDER BY g.position OFFSET 0) l`;

function columns(keys: readonly EntityKey[]): [string[], string[]] {
  return [keys.map((key) => key.tenant), keys.map((key) => key.id)];
}

function nameOf(tenant: string, subject: string): string {
  return `${tenant}\0${subject}`;
}

function kindOf(key: EntityKey): EntityKind<unknown> {
  return entityKinds[key.kind];
}
