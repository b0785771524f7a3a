import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Scope } from '@quipu/access';
import type { LogArchive } from '@quipu/event-log';
import { exportReasons, type WhyQuery } from '@quipu/read-models';
import type { Pool } from 'pg';

/** Writes exported numbers into answers. */
export class WhyExport {
  constructor(
    private readonly pool: Pool,
    private readonly archive: LogArchive,
  ) {}

  /**
   * Begins an export. `begun` settles with its first line, so that what is wrong before it can still be told; `lines`
   * is destroyed when something goes wrong later, and a file without its end line is found to be cut off. A reader that
   * goes away ends the export, `over` tells when.
   */
  start(
    scope: Scope,
    query: WhyQuery,
  ): { lines: PassThrough; begun: Promise<unknown>; over: Promise<unknown> } {
    const lines = new PassThrough();
    const gone = new AbortController();
    lines.once('close', () => gone.abort());
    lines.on('error', () => undefined);
    const write = async (line: string): Promise<void> => {
      gone.signal.throwIfAborted();
      if (!lines.write(`${line}\n`)) await once(lines, 'drain', { signal: gone.signal });
    };
    const exported = exportReasons(this.pool, scope, query, write, this.archive);
    const over = exported.then(
      () => void lines.end(),
      (error: Error) => void lines.destroy(error),
    );
    return { lines, begun: Promise.race([once(lines, 'readable'), exported]), over };
  }
}
