import type { Scope } from '@quipu/access';
import type { LogArchive } from '@quipu/event-log';
import { exportReasons, type WhyQuery } from '@quipu/read-models';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { Pool } from 'pg';
import { ProblemException } from '../answers/problem.exception.js';
import { SpoolFile, type SpoolLimits, type SpoolReader } from './spool-file.js';
import { Turns } from './turns.js';

/** Exports that are computed at once, and that wait for it. They read much: other questions have turns of their own. */
const AT_ONCE = 1;
const IN_LINE = 4;
/** Files on their way to a reader: with their size, what exports take of the disk. */
const MAX_FILES = 8;
const LIMITS: SpoolLimits = { bytes: 1024 ** 3, stallMs: 30_000 };
/** The same when the process ends, ms: an answer that nobody takes must not hold it up. */
const LAST_STALL_MS = 1_000;

/** Writes exported numbers to temporary files, from which they are sent at the speed of their readers. */
export class WhyExport implements BeforeApplicationShutdown {
  private readonly turns = new Turns(AT_ONCE, IN_LINE);
  private readonly sending = new Set<SpoolReader>();

  constructor(
    private readonly pool: Pool,
    private readonly archive: LogArchive,
    private readonly limits: SpoolLimits = LIMITS,
  ) {}

  /**
   * Computes an export. Turn, snapshot and connections are given back before the first byte is read; the file is
   * there until the stream is closed, and a reader that takes nothing for 30 s loses it.
   * @param gone aborts it: whoever asked is away.
   * @throws ProblemException 503 if too many are under way, 422 if the file grows too large; and all that a question
   * throws.
   */
  async start(scope: Scope, query: WhyQuery, gone: AbortSignal): Promise<SpoolReader> {
    return this.turns.take(async () => {
      gone.throwIfAborted();
      if (this.sending.size >= MAX_FILES) {
        throw new ProblemException(503, 'Too many exports are being sent.', {
          hint: 'Ask again when one of them has arrived.',
        });
      }
      const lines = await this.spool(scope, query, gone);
      this.sending.add(lines);
      // An answer that is never sent (its connection closed meanwhile) must not end the process when it is given up.
      lines.on('error', () => undefined);
      lines.once('close', () => this.sending.delete(lines));
      return lines;
    });
  }

  beforeApplicationShutdown(): void {
    for (const lines of this.sending) lines.hurry(LAST_STALL_MS);
  }

  private async spool(scope: Scope, query: WhyQuery, gone: AbortSignal): Promise<SpoolReader> {
    const file = await SpoolFile.create(this.limits);
    try {
      const write = async (line: string): Promise<void> => {
        gone.throwIfAborted();
        await file.add(line);
      };
      await exportReasons(this.pool, scope, query, write, this.archive);
      gone.throwIfAborted();
      return await file.read();
    } catch (error) {
      await file.discard();
      throw error;
    }
  }
}
