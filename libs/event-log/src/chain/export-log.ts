import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Pool } from 'pg';
import { batchLine, eventLine } from '../archive/archive-lines.js';
import type { LogArchive } from '../archive/log-archive.js';
import { walkChain } from './walk-chain.js';

/** What an export wrote. */
export interface ExportReport {
  batches: number;
  events: number;
  /** The last digest, in hexadecimal. */
  head: string;
}

const FLUSH_BYTES = 1 << 16;

/**
 * Writes a copy of the log that anyone can check: lines of JSON, first `{"quipu-log":1}`, then per append
 * one `{"batch":{first,last,events,previous,digest}}` followed by its events
 * `{"position","recorded","event"}`, at last `{"end":{batches,events,head}}`, so that a cut copy is seen.
 * Positions are decimal strings, digests hexadecimal, `event` is the canonical JSON that was hashed.
 * Does not end `out`. Rejects with `out`'s error, and when an archived part of the log cannot be read.
 */
export async function exportLog(pool: Pool, out: Writable, archive?: LogArchive): Promise<ExportReport> {
  const report: ExportReport = { batches: 0, events: 0, head: '00'.repeat(32) };
  let failure: Error | null = null;
  const onError = (error: Error) => (failure = error);
  out.on('error', onError);
  let buffered = '{"quipu-log":1}\n';
  const flush = async () => {
    if (failure !== null) throw failure;
    const full = !out.write(buffered);
    buffered = '';
    if (full) await once(out, 'drain');
  };
  try {
    for await (const step of walkChain(pool, archive)) {
      if ('batch' in step) {
        report.batches += 1;
        report.head = step.batch.digest.toString('hex');
        buffered += `${batchLine(step.batch)}\n`;
      } else {
        report.events += 1;
        buffered += `${eventLine(step.event)}\n`;
      }
      if (buffered.length > FLUSH_BYTES) await flush();
    }
    buffered += `${JSON.stringify({ end: report })}\n`;
    await flush();
    return report;
  } finally {
    out.off('error', onError);
  }
}
