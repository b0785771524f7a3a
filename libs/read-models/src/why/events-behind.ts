import { LEDGER_PROJECTION } from '@quipu/ledger';
import type { LedgerSnapshot } from '../past/ledger-snapshot.js';
import { readSkips } from '../past/skips.js';
import { type Evidence, evidenceOf } from './evidence.js';
import type { FoundItem } from './top-items.js';

/** An event that an interval rests on. */
export interface WhyEvent {
  readonly position: bigint;
  /** ms. */
  readonly recordedMs: number;
  readonly time: number;
  readonly type: string;
  readonly source: string;
  readonly id: string;
}

interface Row {
  place: string;
  position: string;
  recorded_ms: string;
  time_ms: string;
  type: string;
  source: string;
  event_id: string;
}

/** One walk of each entity's index entries; what is kept of them is decided in the walk. */
const EVENTS = `
SELECT x.place, l.position, l.recorded_ms, l.time_ms, l.type, l.source, l.event_id
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
       WITH ORDINALITY AS x (tenant, subject, instants, facts, last, place)
 CROSS JOIN LATERAL (
   SELECT * FROM log g WHERE g.tenant = x.tenant AND g.subject = x.subject AND g.position <= x.last
      AND (g.time_ms = ANY (x.instants::bigint[]) OR x.facts::jsonb ? (g.source || chr(10) || g.event_id))
      AND NOT EXISTS (SELECT FROM projection_skips s WHERE s.name = '${LEDGER_PROJECTION}' AND s.position = g.position)
    OFFSET 0) l
 ORDER BY x.place, l.position`;

/** The events behind each item, in the order of the items and of the log, none after `position`. */
export async function eventsBehind(
  { client, archived }: Pick<LedgerSnapshot, 'client' | 'archived'>,
  items: readonly FoundItem[],
  position: bigint,
): Promise<WhyEvent[][]> {
  const evidence = items.map(evidenceOf);
  const { rows } = await client.query<Row>(EVENTS, [
    items.map(({ item }) => item.key.tenant),
    items.map(({ item }) => item.key.id),
    evidence.map(({ instants }) => `{${instants.join(',')}}`),
    evidence.map(({ told }) => JSON.stringify(told.map(({ s, i }) => `${s}\n${i}`))),
    items.map(() => String(position)),
  ]);
  const events = await archivedBehind({ client, archived }, items, evidence, position);
  for (const row of rows) {
    if (BigInt(row.position) < archived.end) continue;
    events[Number(row.place) - 1]?.push({
      position: BigInt(row.position),
      recordedMs: Number(row.recorded_ms),
      time: Number(row.time_ms),
      type: row.type,
      source: row.source,
      id: row.event_id,
    });
  }
  return events;
}

/** The archived ones of {@link eventsBehind}. */
async function archivedBehind(
  { client, archived }: Pick<LedgerSnapshot, 'client' | 'archived'>,
  items: readonly FoundItem[],
  evidence: readonly Evidence[],
  position: bigint,
): Promise<WhyEvent[][]> {
  if (archived.end === 0n) return items.map(() => []);
  // An entity may have several items; its events are read once.
  const entities = new Map(items.map(({ item: { key } }) => [`${key.tenant}\0${key.id}`, key]));
  const read = await archived.readEntities(
    [...entities.values()].map(({ tenant, id }) => ({ tenant, subject: id })),
    position,
  );
  const byEntity = new Map([...entities.keys()].map((name, i) => [name, read[i] ?? []]));
  const skips = await readSkips(client);
  return items.map(({ item: { key } }, i) => {
    const { instants, told } = evidence[i]!;
    const facts = new Set(told.map((fact) => `${fact.s}\n${fact.i}`));
    return (byEntity.get(`${key.tenant}\0${key.id}`) ?? [])
      .filter((event) => !skips.has(event.position))
      .filter((event) => instants.includes(event.time) || facts.has(`${event.source}\n${event.id}`))
      .map(({ position, recordedMs, time, type, source, id }) => ({
        ...{ position, recordedMs, time, type, source, id },
      }));
  });
}
