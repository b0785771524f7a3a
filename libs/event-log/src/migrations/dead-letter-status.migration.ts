import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What became of a dead letter: nobody has dealt with it (`open`), a corrected event is in the log (`mended`), the
 * event as it came is (`replayed`), or it is not wanted (`discarded`).
 */
export class DeadLetterStatus1763700000200 implements MigrationInterface {
  readonly name = 'DeadLetterStatus1763700000200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE dead_letters ADD CONSTRAINT dead_letters_status
      CHECK (status IN ('open', 'mended', 'replayed', 'discarded'))`);
    await runner.query(`CREATE INDEX dead_letters_open ON dead_letters (id) WHERE status = 'open'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX dead_letters_open');
    await runner.query('ALTER TABLE dead_letters DROP CONSTRAINT dead_letters_status');
  }
}
