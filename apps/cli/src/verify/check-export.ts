import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { canonicalJson, sha256 } from './canonical.js';
import type { DifferenceList } from './difference-list.js';

/** What a copy of the log holds. */
export interface ExportCounts {
  batches: number;
  events: number;
  /** The last digest, in hexadecimal; who noted it earlier can tell that nothing before it was changed. */
  head: string;
}

interface Line {
  readonly batch?: { first: string; last: string; events: number; previous: string; digest: string };
  readonly position?: string;
  readonly event?: unknown;
  readonly end?: ExportCounts;
}

/** What a batch of the copy says it holds, and what has been read of it. */
interface OpenBatch {
  readonly said: NonNullable<Line['batch']>;
  readonly parts: Buffer[];
  events: number;
}

/**
 * Checks a copy of the log (`quipu-log` lines of JSON, gzipped if it is named `.gz`) against the digests in it, from the file alone: no
 * database, and nothing of what wrote it.
 * @throws the error of the file system, or SyntaxError when a line is not JSON.
 */
export async function checkExport(file: string, found: DifferenceList): Promise<ExportCounts> {
  const counts: ExportCounts = { batches: 0, events: 0, head: '00'.repeat(32) };
  let open: OpenBatch | null = null;
  let complete = false;
  const close = (): void => {
    if (open === null) return;
    const digest = sha256(Buffer.from(counts.head, 'hex'), ...open.parts).toString('hex');
    const { said } = open;
    if (said.previous !== counts.head || said.digest !== digest || said.events !== open.events) {
      found.add({
        kind: 'digest',
        key: `batch ending at ${said.last} of the copy`,
        expected: `${open.events} events, ${counts.head} -> ${digest}`,
        found: `${said.events} events, ${said.previous} -> ${said.digest}`,
      });
    }
    counts.head = said.digest;
    open = null;
  };

  for await (const text of createInterface({ input: linesOf(file), crlfDelay: Infinity })) {
    const line = JSON.parse(text) as Line;
    if (line.batch !== undefined) {
      close();
      open = { said: line.batch, parts: [], events: 0 };
      counts.batches += 1;
    } else if (line.position !== undefined) {
      counts.events += 1;
      addEvent(open, line.position, line.event, found);
    } else if (line.end !== undefined) {
      close();
      complete = true;
      const { batches, events, head } = line.end;
      const said = canonicalJson({ batches, events, head });
      const read = canonicalJson(counts);
      if (said !== read) found.add({ kind: 'digest', key: 'end of the copy', expected: read, found: said });
    }
  }
  if (!complete) found.add({ kind: 'digest', key: 'end of the copy', expected: 'an end', found: null });
  return counts;
}

function linesOf(file: string): Readable {
  const bytes = createReadStream(file);
  if (!file.endsWith('.gz')) return bytes;
  const text = createGunzip();
  bytes.on('error', (error) => text.destroy(error));
  return bytes.pipe(text);
}

function addEvent(open: OpenBatch | null, position: string, event: unknown, found: DifferenceList): void {
  const at = BigInt(position);
  if (open === null || at < BigInt(open.said.first) || at > BigInt(open.said.last)) {
    found.add({ kind: 'digest', key: `position ${position} of the copy`, expected: 'a batch', found: null });
    return;
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(at);
  open.parts.push(bytes, sha256(canonicalJson(event)));
  open.events += 1;
}
