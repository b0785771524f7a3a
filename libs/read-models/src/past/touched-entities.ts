import { type EntityKey, KIND_CODES } from '@quipu/ledger';
import { Parameters } from '../statement.js';
import { chunksOf } from './cursor.js';
import { entityCondition, type EntityWish } from './entity-condition.js';
import { keyOf } from './entity-row.js';
import type { LedgerSnapshot } from './ledger-snapshot.js';
import { refold } from './refold.js';
import { refuseArchived } from './refuse-archived.js';

/** An entity that changed after a position: its state now, and as it was. */
export interface TouchedEntity {
  readonly key: EntityKey;
  readonly now: unknown;
  readonly then: unknown;
}

/** Entities whose events are read together. */
const CHUNK = 500;

/**
 * The entities that events after `position` are facts of, and that may match the wish, chunk by chunk. They are found
 * in the log: an index on the entities' last positions would have to be written for every state that changes, while
 * reading the events of an entity again, which must be done for each of them, costs more than finding it. The log
 * compares texts by bytes, the entities as the database does: only texts told to be compared so find them by their key.
 * @throws ArchivedPositionError when some of these events are archived.
 */
export async function* touchedEntities(
  snapshot: LedgerSnapshot,
  position: bigint,
  wish: EntityWish,
): AsyncGenerator<TouchedEntity[]> {
  const { client, schema, position: head, archived } = snapshot;
  if (schema === null || position >= head) return;
  refuseArchived(archived, position);
  const params = new Parameters();
  const from = params.add(String(position));
  const to = params.add(String(head));
  const ofTenant =
    wish.filters.tenant === undefined ? '' : ` AND g.tenant = ${params.add(wish.filters.tenant)}`;
  const text = `
SELECT e.tenant, e.kind, e.id, e.state::text AS state FROM (
  SELECT DISTINCT g.tenant COLLATE "default" AS tenant, g.subject COLLATE "default" AS subject,
         CASE WHEN starts_with(g.type, 'job.') THEN ${KIND_CODES.job} ELSE ${KIND_CODES.node} END AS kind
    FROM log g
   WHERE g.position > ${from}::bigint AND g.position <= ${to}::bigint${ofTenant}
     AND (starts_with(g.type, 'job.') OR starts_with(g.type, 'node.'))) t
 CROSS JOIN LATERAL (
   SELECT * FROM ${schema}.entities s
    WHERE s.tenant = t.tenant AND s.kind = t.kind AND s.id = t.subject LIMIT 1) e
 WHERE ${entityCondition('e', wish, params)}`;
  type Row = { tenant: string; kind: number; id: string; state: string };
  for await (const rows of chunksOf<Row>(client, text, params.values, CHUNK)) {
    const keys = rows.map(keyOf);
    const then = await refold(snapshot, keys, position);
    yield rows.map((row, i) => ({ key: keys[i]!, now: JSON.parse(row.state) as unknown, then: then[i] }));
  }
}
