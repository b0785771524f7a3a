import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far the sweeper has read the log, what it has said, and whether it judges. */
const state = `
CREATE TABLE sweeper_state (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  position bigint NOT NULL DEFAULT 0,
  lost bigint NOT NULL DEFAULT 0,
  ended bigint NOT NULL DEFAULT 0,
  woken bigint NOT NULL DEFAULT 0,
  aside text,
  aside_since_ms bigint,
  seen_ms bigint
)`;

const lives = `
CREATE TABLE sweeper_lives (
  tenant text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  life text COLLATE "C" NOT NULL,
  since_ms bigint NOT NULL,
  connected_ms bigint,
  sign_ms bigint,
  sign_source text,
  sign_id text,
  beats boolean NOT NULL,
  ended_ms bigint,
  lost_since_ms bigint,
  lost_ms bigint,
  heard_ms bigint,
  retired boolean NOT NULL,
  in_touch boolean NOT NULL,
  PRIMARY KEY (tenant, worker, life)
)`;

/** Who is due is found without looking at those who are not, or at those who are gone. */
const due = `CREATE INDEX sweeper_lives_due ON sweeper_lives (heard_ms) WHERE in_touch AND beats`;

const endings = `
CREATE TABLE sweeper_endings (
  job_tenant text COLLATE "C" NOT NULL,
  job text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  worker text COLLATE "C" NOT NULL,
  life text COLLATE "C" NOT NULL,
  ended_ms bigint NOT NULL,
  woken_ms bigint,
  woken_source text,
  woken_id text,
  PRIMARY KEY (job_tenant, job, attempt, tenant, worker, life)
)`;

const byLife = `CREATE INDEX sweeper_endings_by_life ON sweeper_endings (tenant, worker, life)`;
const woken = `CREATE INDEX sweeper_endings_woken ON sweeper_endings (woken_ms) WHERE woken_ms IS NOT NULL`;

/** What the sweeper knows of lives of workers: all of it is told by the log and can be read from it again. */
export class SweeperTables1764200000600 implements MigrationInterface {
  readonly name = 'SweeperTables1764200000600';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [state, lives, due, endings, byLife, woken]) await runner.query(statement);
    await runner.query('INSERT INTO sweeper_state DEFAULT VALUES');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sweeper_endings, sweeper_lives, sweeper_state');
  }
}
