import type { LedgerSchema } from '@quipu/ledger';
import { keyOfChange, LEVELS } from '../usage/dimensions.js';
import { Parameters, type Statement } from '../statement.js';

/** Lengths of the windows that rates are told over, minutes. */
export const RATE_MINUTES = [1, 5, 15] as const;

/** The longest of them, ms. */
export const LONGEST_MS = 15 * 60_000;

/** Most level changes that a question reads of each level: what it costs does not grow with what happens. */
export const MAX_CHANGES = 100_000;

/**
 * How often a level of a queue went up and down: one row per level, tenant and queue, with a count per window. A row
 * without a tenant says how far back changes of the level were read.
 */
export interface LevelFlowRow {
  level: number;
  tenant: string | null;
  /** '' for jobs that named none. */
  queue: string | null;
  ups: string[] | null;
  downs: string[] | null;
  /** Only in the row without a tenant: changes that were read, and the time of the oldest of them (ms). */
  read: string | null;
  oldest: string | null;
}

/**
 * Jobs that began and ceased to wait, and to run, within the last minutes: the newest changes of both levels, by the
 * key of the table, at most {@link MAX_CHANGES} each; then one look at each key that they name. A change of a level
 * that counts jobs stands for `n` steps that come to `d`, so (n + d) / 2 of them went up.
 */
export function levelFlowStatement(
  schema: LedgerSchema,
  question: { readonly now: number; readonly tenant: string | null; readonly queue: string | null },
  levels: readonly (keyof typeof LEVELS)[],
): Statement {
  const params = new Parameters();
  const now = `${params.add(question.now)}::bigint`;
  const tenant = `${params.add(question.tenant)}::text`;
  const queue = `${params.add(question.queue)}::text`;
  const windows = RATE_MINUTES.map((minutes) => `c.t > ${now} - ${minutes * 60_000}`);
  const count = (steps: string): string =>
    `ARRAY[${windows.map((within) => `coalesce(sum((c.n ${steps} c.d) / 2) FILTER (WHERE ${within}), 0)`).join(', ')}]`;
  const sum = (column: string): string =>
    `ARRAY[${windows.map((_, i) => `sum(k.${column}[${i + 1}])`).join(', ')}]::text[]`;
  const recent = levels.map(
    (level) => `recent_${level} AS MATERIALIZED (
  SELECT c.t, c.key_id, c.d, c.n FROM ${schema}.changes c
   WHERE c.level = ${LEVELS[level]} AND c.t > ${now} - ${LONGEST_MS} AND c.t <= ${now}
   ORDER BY c.level DESC, c.t DESC, c.key_id DESC LIMIT ${MAX_CHANGES})`,
  );
  const rows = levels.flatMap((level) => [
    `SELECT ${LEVELS[level]} AS level, k.tenant, k.queue, ${sum('ups')} AS ups, ${sum('downs')} AS downs,
       NULL AS read, NULL::bigint AS oldest
  FROM (SELECT u.tenant, coalesce(u.queue, '') AS queue, c.ups, c.downs
          FROM (SELECT c.key_id, ${count('+')} AS ups, ${count('-')} AS downs
                  FROM recent_${level} c GROUP BY c.key_id) c
         CROSS JOIN LATERAL ${keyOfChange(schema)} u
         WHERE (${tenant} IS NULL OR u.tenant = ${tenant})) k
 WHERE (${queue} IS NULL OR k.queue = ${queue})
 GROUP BY k.tenant, k.queue`,
    `SELECT ${LEVELS[level]}, NULL, NULL, NULL, NULL, count(*), min(c.t) FROM recent_${level} c`,
  ]);
  return {
    name: `flow-${schema}-${levels.join('-')}`,
    text: `WITH ${recent.join(',\n')}\n${rows.join('\nUNION ALL\n')}`,
    values: params.values,
  };
}
