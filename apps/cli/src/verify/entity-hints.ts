import type { PoolClient } from 'pg';

const PER_TIME = 3;

/**
 * A few entities with a fact at each of `times` (ms), as `tenant subject`: a level changes when something
 * happens to the entity that changes it. Reads the log once, whatever the number of times.
 */
export async function entitiesAt(
  client: PoolClient,
  times: readonly number[],
): Promise<Map<number, string[]>> {
  const hints = new Map<number, string[]>();
  if (times.length === 0) return hints;
  const { rows } = await client.query<{ time_ms: string; entity: string }>(
    `SELECT time_ms, entity FROM (
       SELECT time_ms, entity, row_number() OVER (PARTITION BY time_ms ORDER BY entity) AS nth
       FROM (SELECT DISTINCT time_ms, tenant || ' ' || subject AS entity FROM whole_log
             WHERE time_ms = ANY($1::bigint[])) AS facts) AS numbered
     WHERE nth <= ${PER_TIME}`,
    [times.map(String)],
  );
  for (const { time_ms, entity } of rows) {
    const time = Number(time_ms);
    const entities = hints.get(time);
    if (entities === undefined) hints.set(time, [entity]);
    else entities.push(entity);
  }
  return hints;
}
