import { type StoredEvent } from '@quipu/contracts';
import { type ClientBase } from 'pg';

/**
 * One set-based statement of a batch's transaction. `name` makes it a prepared statement of the session and
 * labels its I/O steps; a Buffer among `values` travels in Postgres' binary format. With `copy` the text is a
 * `COPY ... FROM STDIN`, which is fed those pieces and has no values; they are asked for while it runs, so that Postgres
 * takes in one while the next is made.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  readonly copy?: () => Iterable<Buffer>;
}

/** What a handler made of a batch of events: everything the transaction has to write, in order. */
export interface PreparedBatch {
  readonly statements: readonly Statement[];
}

/** Where a committed batch stands. */
export interface CommittedAt {
  /** Checkpoint before the batch. */
  readonly from: bigint;
  /** Checkpoint after the batch. */
  readonly to: bigint;
  /** The ledger epoch that the batch's transaction saw. */
  readonly epoch: string;
}

/**
 * A projection, as the engine sees it: it turns events into statements and knows what else follows a commit.
 *
 * `prepare` runs ahead: the engine may prepare batch k+1 while the transaction of batch k is still open, so
 * whatever batch k changed must be served from the handler's caches, not from the tables, until batch k
 * is committed. After any failure the engine waits for outstanding calls, then calls `dropCaches`.
 */
export interface ProjectionHandler<B extends PreparedBatch = PreparedBatch> {
  /** Name under which checkpoint, skips and election are kept. */
  readonly name: string;
  /** Version of the tables this code writes; the live row of `projections` must carry the same. */
  readonly version: number;
  /** Hash of everything that decides what is written for an event (fold, contributions, upcasters). */
  codeHash(): string;
  /**
   * Folds events (ascending positions, skipped ones left out, possibly none) into a batch.
   * @throws FoldError when an event cannot be folded: the engine bisects and halts there.
   */
  prepare(events: readonly StoredEvent[]): Promise<B>;
  /**
   * After COMMIT, in order, elected runner only: lets go of what `prepare` pinned in caches (before its first
   * await) and mirrors the batch elsewhere. Never throws, bounded time.
   */
  committed(batch: B, at: CommittedAt): Promise<void>;
  /** At election and about once a second while there is nothing to do. Never throws, bounded time. */
  idle(at: { position: bigint; epoch: string }): Promise<void>;
  /** Whose tables are meant from now on; called before a term, or with the caches dropped and nothing under way. */
  attach(schemaName: string): void;
  /** Forgets everything learnt from the tables. */
  dropCaches(): void;
  /** Empties the projection's tables inside `tx`, in a way that snapshots of readers survive. */
  truncate(tx: ClientBase): Promise<void>;
  /** Tables to vacuum after `truncate` was committed, schema-qualified. */
  readonly tables: readonly string[];
  /** Whether stored states made under code `storedHash` can be summed again by this code. */
  canReseed(storedHash: string): boolean;
  /** Sums everything again from the stored states inside `tx`, in bounded memory. */
  reseed(tx: ClientBase, progress: (entities: number) => void): Promise<void>;
}
