import { createHash, type Hash } from 'node:crypto';
import type { StoredEvent } from '@quipu/contracts';
import type { Pool } from 'pg';
import { bodyHash } from '../identity.js';
import { type ChainBatch, walkChain } from './walk-chain.js';

/** A place where log and chain disagree. */
export interface ChainDifference {
  firstPosition: bigint;
  lastPosition: bigint;
  /** What is wrong, for people. */
  what: string;
}

/** What a check of the chain found; an intact log has no differences. */
export interface ChainReport {
  batches: number;
  events: number;
  /** The last digest, in hexadecimal: who notes it can tell later that nothing before it was changed. */
  head: string;
  differences: ChainDifference[];
}

const ZEROS = Buffer.alloc(32);

/** The bytes of one event in its batch's digest: its position (int8, big-endian) and its body hash. */
function digestEvent(hash: Hash, event: StoredEvent): void {
  const position = Buffer.alloc(8);
  position.writeBigInt64BE(event.position);
  hash.update(position).update(bodyHash(event));
}

/** Collects one batch's events and compares what they hash to with what the chain says. */
class BatchCheck {
  private readonly hash: Hash;
  private seen = 0;

  constructor(private readonly batch: ChainBatch) {
    this.hash = createHash('sha256').update(batch.previous);
  }

  holds(event: StoredEvent): boolean {
    return event.position >= this.batch.firstPosition && event.position <= this.batch.lastPosition;
  }

  add(event: StoredEvent): void {
    this.seen += 1;
    digestEvent(this.hash, event);
  }

  differences(previous: Buffer): ChainDifference[] {
    const { firstPosition, lastPosition } = this.batch;
    const found: string[] = [];
    if (!this.batch.previous.equals(previous)) found.push('does not follow from the batch before it');
    if (this.seen !== this.batch.events) {
      found.push(`holds ${this.seen} events, ${this.batch.events} were appended`);
    } else if (!this.hash.digest().equals(this.batch.digest)) {
      found.push('its events do not hash to its digest');
    }
    return found.map((what) => ({ firstPosition, lastPosition, what }));
  }
}

/**
 * Recomputes the digest chain of the log as it stands now.
 * @param onProgress called with the number of events checked so far, once per batch.
 */
export async function checkChain(pool: Pool, onProgress?: (events: number) => void): Promise<ChainReport> {
  const report: ChainReport = { batches: 0, events: 0, head: ZEROS.toString('hex'), differences: [] };
  let previous: Buffer = ZEROS;
  let check: BatchCheck | null = null;
  let digest: Buffer = ZEROS;
  const close = () => {
    if (check !== null) report.differences.push(...check.differences(previous));
    previous = digest;
    onProgress?.(report.events);
  };
  for await (const step of walkChain(pool)) {
    if ('batch' in step) {
      close();
      check = new BatchCheck(step.batch);
      digest = step.batch.digest;
      report.batches += 1;
      continue;
    }
    report.events += 1;
    const { position } = step.event;
    if (check?.holds(step.event)) check.add(step.event);
    else
      report.differences.push({
        firstPosition: position,
        lastPosition: position,
        what: 'belongs to no batch',
      });
  }
  close();
  report.head = digest.toString('hex');
  return report;
}
