/** Collects the parameters of a statement while its text is written. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Adds a value and returns its placeholder. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** A statement ready to run. `name` prepares it once per connection; only for texts that repeat. */
export interface Statement {
  text: string;
  values: unknown[];
  name?: string;
}
