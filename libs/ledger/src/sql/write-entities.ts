import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, smallints, texts } from '../storage/columns.js';
import { COPY_FROM_ROWS, copyPieces } from '../storage/copy-rows.js';

/** A row of `entities` as a batch leaves it. */
export interface EntityRow {
  readonly tenant: string;
  /** Code of the kind. */
  readonly kind: number;
  readonly id: string;
  /** JSON of the state. */
  readonly state: string;
  /** Position of the last event that touched it. */
  readonly lastPosition: number;
}

function columns(rows: readonly EntityRow[]): Buffer[] {
  return [
    texts(rows.map((row) => row.tenant)),
    smallints(rows.map((row) => row.kind)),
    texts(rows.map((row) => row.id)),
    texts(rows.map((row) => row.state)),
    bigints(rows.map((row) => row.lastPosition)),
  ];
}

/**
 * Inserts entities that the fold found absent. A plain INSERT on purpose: that one of them exists after all would
 * mean that the fold started from the wrong state, which must fail and never be overwritten.
 */
export function insertEntities(schema: LedgerSchema, rows: readonly EntityRow[]): Statement {
  const name = 'entities_insert';
  const into = `${schema}.entities (tenant, kind, id, state, last_position)`;
  if (rows.length >= COPY_FROM_ROWS) {
    const copy = (): Iterable<Buffer> => piecesOf(rows);
    return { name, text: `COPY ${into} FROM STDIN (FORMAT binary)`, values: [], copy };
  }
  return {
    name,
    text: `
      INSERT INTO ${into}
      SELECT x.tenant, x.kind, x.id, x.state::json, x.last_position
      FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::bigint[])
        AS x (tenant, kind, id, state, last_position)`,
    values: columns(rows),
  };
}

function piecesOf(entities: readonly EntityRow[]): Iterable<Buffer> {
  return copyPieces(5, entities.length, 1_000, (rows, i) => {
    const { tenant, kind, id, state, lastPosition } = entities[i]!;
    rows.row().text(tenant).smallint(kind).text(id).text(state).bigint(lastPosition);
  });
}

/** Rewrites the states of entities that the fold had read or written before. */
export function updateEntities(schema: LedgerSchema, rows: readonly EntityRow[]): Statement {
  return {
    name: 'entities_update',
    text: `
      UPDATE ${schema}.entities AS e
      SET state = x.state::json, last_position = x.last_position
      FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::bigint[])
        AS x (tenant, kind, id, state, last_position)
      WHERE e.tenant = x.tenant AND e.kind = x.kind AND e.id = x.id`,
    values: columns(rows),
  };
}
