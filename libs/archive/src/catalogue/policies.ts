import { withTransaction } from '@quipu/platform';
import type { Pool } from 'pg';
import type { ArchivePolicy, ArchivePolicyItem } from '../policy/archive-policy.js';
import { brokenConstraint, CatalogueError } from './catalogue-error.js';
import { DEFAULT_POLICIES, DEFAULT_RULE } from './default-policies.js';
import { secondsText } from './policy-definition.js';

/** A row of `archive_policies`, with or without something joined to it. */
export interface PolicyRow {
  policy_name: string;
  back_window: number;
  granularities_ns: string[];
  points: (string | null)[];
  aggregation_methods: string[];
}

/** The columns of {@link PolicyRow}; the table is `p`. Bigints travel as text, since a driver's array parser rounds them. */
export const POLICY_COLUMNS = `p.name AS policy_name, p.back_window, p.granularities_ns::text[] AS granularities_ns,
  p.points::text[] AS points, p.aggregation_methods`;

/** The policy of a row. */
export function toPolicy(row: PolicyRow): ArchivePolicy {
  return {
    name: row.policy_name,
    backWindow: row.back_window,
    definition: row.granularities_ns.map((text, i) => {
      const granularityNs = BigInt(text);
      const points = row.points[i] ?? null;
      const timespanNs = points === null ? null : granularityNs * BigInt(points);
      return { granularityNs, points: points === null ? null : Number(points), timespanNs };
    }),
    aggregationMethods: row.aggregation_methods,
  };
}

/** The archive policies. They are the platform's: who may change them, the caller decides before it asks. */
export class ArchivePolicies {
  constructor(private readonly pool: Pool) {}

  /** All policies, by name. */
  async list(): Promise<ArchivePolicy[]> {
    const { rows } = await this.pool.query<PolicyRow>(
      `SELECT ${POLICY_COLUMNS} FROM archive_policies p ORDER BY p.name`,
    );
    return rows.map(toPolicy);
  }

  /** The policy of this name. @throws CatalogueError (no-such-policy) */
  async get(name: string): Promise<ArchivePolicy> {
    const { rows } = await this.pool.query<PolicyRow>(
      `SELECT ${POLICY_COLUMNS} FROM archive_policies p WHERE p.name = $1`,
      [name],
    );
    if (rows[0] === undefined) throw CatalogueError.noSuchPolicy(name);
    return toPolicy(rows[0]);
  }

  /** Adds a policy. @throws CatalogueError (policy-exists) */
  async create(policy: ArchivePolicy): Promise<void> {
    if (!(await insert(this.pool, policy))) {
      const message = `Archive policy ${policy.name} already exists`;
      throw new CatalogueError('policy-exists', policy.name, message);
    }
  }

  /**
   * Gives a policy other lengths, and perhaps another back window; its granularities stay, in the order given now. Existing series are cut to
   * their new length when they are read, and when they are next written.
   * @throws CatalogueError (no-such-policy, policy-unchangeable)
   */
  async change(
    name: string,
    definition: readonly ArchivePolicyItem[],
    backWindow?: number,
  ): Promise<ArchivePolicy> {
    const refuse = (why: string): CatalogueError =>
      new CatalogueError(
        'policy-unchangeable',
        name,
        `Archive policy ${name} does not support change: ${why}`,
      );
    const current = await this.get(name);
    if (current.definition.length !== definition.length) throw refuse('Cannot add or drop granularities');
    const given = new Set(definition.map(({ granularityNs }) => granularityNs));
    for (const { granularityNs } of current.definition) {
      if (given.has(granularityNs)) continue;
      throw refuse(`${secondsText(granularityNs)} granularity interval was changed`);
    }
    // The granularities are those read: if somebody has replaced the policy meanwhile, there is nothing to change.
    const { rows } = await this.pool.query<PolicyRow>(
      `UPDATE archive_policies p
          SET points = $2::bigint[], granularities_ns = $5::bigint[], back_window = coalesce($3, p.back_window)
        WHERE p.name = $1 AND p.granularities_ns = $4::bigint[] RETURNING ${POLICY_COLUMNS}`,
      [
        ...[name, pointsOf(definition), backWindow ?? null, granularitiesOf(current.definition)],
        granularitiesOf(definition),
      ],
    );
    if (rows[0] === undefined) throw CatalogueError.noSuchPolicy(name);
    return toPolicy(rows[0]);
  }

  /** Removes a policy that no metric and no rule uses. @throws CatalogueError (no-such-policy, policy-in-use) */
  async remove(name: string): Promise<void> {
    try {
      const { rowCount } = await this.pool.query(`DELETE FROM archive_policies WHERE name = $1`, [name]);
      if (rowCount === 0) throw CatalogueError.noSuchPolicy(name);
    } catch (error) {
      if (brokenConstraint(error) === null) throw error;
      throw new CatalogueError('policy-in-use', name, `Archive policy ${name} is still in use`);
    }
  }

  /**
   * Adds the policies and the rule that a fresh archive has, where the archive has none at all. All of them or none: an
   * archive with some of them would not be taken for a fresh one again.
   */
  async installDefaults(): Promise<void> {
    if (!(await isEmpty(this.pool))) return;
    await withTransaction(this.pool, async (client) => {
      // Processes that start together take turns.
      await client.query(`LOCK TABLE archive_policies, archive_rules IN SHARE ROW EXCLUSIVE MODE`);
      if (!(await isEmpty(client))) return;
      for (const policy of DEFAULT_POLICIES) await insert(client, policy);
      await client.query(
        `INSERT INTO archive_rules (name, archive_policy_name, metric_pattern) VALUES ($1, $2, $3)`,
        [DEFAULT_RULE.name, DEFAULT_RULE.policy, DEFAULT_RULE.pattern],
      );
    });
  }
}

async function isEmpty(client: Pick<Pool, 'query'>): Promise<boolean> {
  const { rows } = await client.query<{ empty: boolean }>(
    `SELECT NOT EXISTS (SELECT FROM archive_policies) AND NOT EXISTS (SELECT FROM archive_rules) AS empty`,
  );
  return rows[0]!.empty;
}

/** False if the name is taken. */
async function insert(client: Pick<Pool, 'query'>, policy: ArchivePolicy): Promise<boolean> {
  const { name, backWindow, definition, aggregationMethods } = policy;
  const { rowCount } = await client.query(
    `INSERT INTO archive_policies (name, back_window, granularities_ns, points, aggregation_methods)
     VALUES ($1, $2, $3::bigint[], $4::bigint[], $5) ON CONFLICT DO NOTHING`,
    [name, backWindow, granularitiesOf(definition), pointsOf(definition), aggregationMethods],
  );
  return rowCount === 1;
}

function granularitiesOf(definition: readonly ArchivePolicyItem[]): string[] {
  return definition.map(({ granularityNs }) => String(granularityNs));
}

function pointsOf(definition: readonly ArchivePolicyItem[]): (number | null)[] {
  return definition.map(({ points }) => points);
}
