import { basename } from 'node:path';
import type { InputEntry } from '../inputs/input-root.js';
import type { JobInput } from '../inputs/job-input.js';

/** What a task makes of its input: one file. */
export interface Product {
  /** Category of the artifact. */
  readonly category: string;
  /** Name of the file. */
  readonly name: string;
  /** Its content, made while it is read. */
  readonly content: AsyncIterable<Buffer>;
}

/** Work that a job can ask for by its name. Throws InvalidJobError, or a ZodError for options that are none. */
export type Task = (input: JobInput, data: unknown) => Product;

/** A job that asks for what no retry makes possible. */
export class InvalidJobError extends Error {
  override readonly name = 'InvalidJobError';
}

/** What a product is called after its input. */
export function productName(entry: InputEntry, extension: string): string {
  return `${entry.path === '.' ? 'root' : basename(entry.path)}.${extension}`;
}
