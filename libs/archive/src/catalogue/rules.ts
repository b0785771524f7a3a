import type { Pool } from 'pg';
import { brokenConstraint, CatalogueError } from './catalogue-error.js';
import { compileGlob } from './glob.js';

/** Which policy a metric gets that names none. */
export interface ArchiveRule {
  readonly name: string;
  readonly policy: string;
  /** A shell pattern over names of metrics. */
  readonly pattern: string;
}

interface RuleRow {
  name: string;
  archive_policy_name: string;
  metric_pattern: string;
}

const COLUMNS = 'name, archive_policy_name, metric_pattern';

/** The archive policy rules, which are the platform's. */
export class ArchiveRules {
  constructor(private readonly pool: Pool) {}

  /** All rules in the order in which they are tried: patterns from last to first, so that `*` is the last. */
  async list(): Promise<ArchiveRule[]> {
    const { rows } = await this.pool.query<RuleRow>(
      `SELECT ${COLUMNS} FROM archive_rules ORDER BY metric_pattern DESC, name`,
    );
    return rows.map(toRule);
  }

  /** The rule of this name. @throws CatalogueError (no-such-rule) */
  async get(name: string): Promise<ArchiveRule> {
    const { rows } = await this.pool.query<RuleRow>(`SELECT ${COLUMNS} FROM archive_rules WHERE name = $1`, [
      name,
    ]);
    if (rows[0] === undefined) throw CatalogueError.noSuchRule(name);
    return toRule(rows[0]);
  }

  /** The policies that rules give to metrics of these names, by name; a metric without a name counts as "". */
  async policiesFor(names: readonly string[]): Promise<Map<string, string>> {
    const rules = (await this.list()).map((rule) => ({ ...rule, matches: compileGlob(rule.pattern) }));
    const policies = new Map<string, string>();
    for (const name of names) {
      const rule = rules.find(({ matches }) => matches(name));
      if (rule !== undefined) policies.set(name, rule.policy);
    }
    return policies;
  }

  /** Adds a rule. @throws CatalogueError (rule-exists, no-such-policy) */
  async create({ name, policy, pattern }: ArchiveRule): Promise<void> {
    try {
      const { rowCount } = await this.pool.query(
        `INSERT INTO archive_rules (${COLUMNS}) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
        [name, policy, pattern],
      );
      if (rowCount === 1) return;
    } catch (error) {
      if (brokenConstraint(error) === null) throw error;
      throw CatalogueError.noSuchPolicy(policy);
    }
    throw new CatalogueError('rule-exists', name, `Archive policy rule ${name} already exists`);
  }

  /** Gives a rule another name. @throws CatalogueError (no-such-rule, rule-unchangeable) */
  async rename(name: string, newName: string): Promise<ArchiveRule> {
    try {
      const { rows } = await this.pool.query<RuleRow>(
        `UPDATE archive_rules SET name = $2 WHERE name = $1 RETURNING ${COLUMNS}`,
        [name, newName],
      );
      if (rows[0] === undefined) throw CatalogueError.noSuchRule(name);
      return toRule(rows[0]);
    } catch (error) {
      if (brokenConstraint(error) === null) throw error;
      const why = `Archive policy rule ${newName} already exists.`;
      const message = `Archive policy rule ${name} does not support change: ${why}`;
      throw new CatalogueError('rule-unchangeable', newName, message);
    }
  }

  /** Removes a rule. @throws CatalogueError (no-such-rule) */
  async remove(name: string): Promise<void> {
    const { rowCount } = await this.pool.query(`DELETE FROM archive_rules WHERE name = $1`, [name]);
    if (rowCount === 0) throw CatalogueError.noSuchRule(name);
  }
}

function toRule(row: RuleRow): ArchiveRule {
  return { name: row.name, policy: row.archive_policy_name, pattern: row.metric_pattern };
}
