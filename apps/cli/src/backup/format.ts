import { type ArchivedPart } from '@quipu/event-log';

/**
 * A backup is one gzip file of lines: the head as JSON; then each table, as `{"table","columns"}` in JSON, its rows as
 * Postgres' COPY writes them (text, one row to a line, which is never `\.`), and `\.`; at last `{"end":...}` with
 * what the tables must add up to. Without the last line it is no backup.
 */
export const FORMAT_VERSION = 1;

/** Ends the rows of a table. */
export const END_OF_ROWS = '\\.';

/** An archived part of the log as a backup names it; positions are decimal strings, sums hexadecimal. */
export type NamedArchive = {
  readonly [K in keyof Omit<ArchivedPart, 'detachedMs'>]: ArchivedPart[K] extends bigint
    ? string
    : ArchivedPart[K];
};

/** The first line. Positions and counts of events are decimal strings. */
export interface BackupHead {
  readonly 'quipu-backup': number;
  /** When it was made, ISO. */
  readonly created: string;
  /** Version of the Postgres it was made from. */
  readonly postgres: string;
  /** Names of the migrations that had run. */
  readonly migrations: readonly string[];
  /** Where the log ended. */
  readonly position: string;
  /** The live ledger: the schema of its tables, where they stood, and the hash of the code that made them. */
  readonly ledger: { readonly schema: string; readonly position: string; readonly codeHash: string };
  /** The beginning of the log, where it is in files: they are not in the backup, which is no use without them. */
  readonly archives?: readonly NamedArchive[];
}

/** The line before a table's rows. */
export interface TableHead {
  /** Qualified with its schema. */
  readonly table: string;
  readonly columns: readonly string[];
}

/** What a table's rows add up to. */
export interface TableSums {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of the rows as they stand in the file, hexadecimal. */
  readonly sha256: string;
}

/** The last line. */
export interface BackupEnd {
  /** Of the first line, hexadecimal. */
  readonly head: string;
  readonly tables: readonly TableSums[];
  /** Where each sequence stands, by qualified name. */
  readonly sequences: Readonly<Record<string, string>>;
}
