import { ProjectionHaltedError } from '@quipu/platform';
import { type ClientBase } from 'pg';
import { type Queryable } from './checkpoint.js';
import { listGenerations } from './list-generations.js';

/** A poison event that an operator told a projection to leave out, now and in every rebuild. */
export interface Skip {
  readonly position: bigint;
  readonly reason: string;
  /** Who decided it. */
  readonly by: string;
  readonly atMs: number;
}

/** The skips of projection `name`, by position. */
export async function readSkips(client: Queryable, name: string): Promise<Skip[]> {
  const { rows } = await (client as Pick<ClientBase, 'query'>).query<{
    position: string;
    reason: string;
    by_whom: string;
    at_ms: string;
  }>(`SELECT position, reason, by_whom, at_ms FROM projection_skips WHERE name = $1 ORDER BY position`, [
    name,
  ]);
  return rows.map((row) => ({
    position: BigInt(row.position),
    reason: row.reason,
    by: row.by_whom,
    atMs: Number(row.at_ms),
  }));
}

/**
 * Lets projection `name` go on past the event that its live tables, or those being built, are halted at; its runner
 * notices within a second. An event that only the ones being built stumble over stays in the live ones.
 * @throws ProjectionHaltedError when the projection is not halted at `skip.position`: leaving out an event that
 *   was folded already would make the tables differ from every rebuild.
 */
export async function skipPosition(client: Queryable, name: string, skip: Skip): Promise<void> {
  const halts = (await listGenerations(client, name))
    .filter(({ status }) => status !== 'retired')
    .map(({ haltedPosition }) => haltedPosition);
  if (!halts.includes(skip.position)) {
    const where = halts.find((position) => position !== null) ?? null;
    throw new ProjectionHaltedError(
      where === null
        ? `Projection ${name} is not halted: there is no event to skip.`
        : `Projection ${name} is halted at position ${where}, not at ${skip.position}.`,
      {
        hint: 'Only the event a projection is halted at can be skipped; `./quipu projections status` tells which.',
      },
    );
  }
  await (client as Pick<ClientBase, 'query'>).query(
    `INSERT INTO projection_skips (name, position, reason, by_whom, at_ms) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING`,
    [name, String(skip.position), skip.reason, skip.by, String(skip.atMs)],
  );
}
