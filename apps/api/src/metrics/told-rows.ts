import { scaledText, type Value, type ValueSource } from '@quipu/exposition';
import { Turns } from './breathe.js';
import type { Labelled, LabelLayout, ShownLabels } from './label-layout.js';
import type { LineTable } from './line-table.js';

/** One line whose amount is told at every scrape. */
class ToldRow implements ValueSource {
  amount = 0n;
  /** When counting began anew (ms), if it did after it has for others. */
  resetMs = 0;
  round = 0;
  /** `clears` of the table when the line was put there. */
  clears = -1;

  constructor(
    readonly shown: ShownLabels,
    private readonly print: (amount: bigint) => Value,
  ) {}

  get value(): Value {
    return this.print(this.amount);
  }

  get created(): Value | undefined {
    return this.resetMs > 0 ? scaledText(String(this.resetMs), 1_000) : undefined;
  }
}

/** Labels that are kept although no line has them now. */
const MOST_SPARE = 1_000;

/**
 * Lines that are told anew at every scrape, since time alone changes them. Their labels, their places and their texts
 * are kept; those that are not told again go.
 */
export class ToldRows {
  private readonly rows = new Map<string, ToldRow>();
  private readonly labels = new Map<string, ShownLabels>();
  private round = 0;

  /** @param print an amount as it is shown @param join what two amounts of one line make */
  constructor(
    private readonly lines: LineTable,
    private readonly layout: LabelLayout,
    private readonly print: (amount: bigint) => Value,
    private readonly join: (one: bigint, other: bigint) => bigint = (one, other) => one + other,
  ) {}

  /** A scrape begins to tell. */
  begin(): void {
    this.round += 1;
    if (this.labels.size > 4 * this.rows.size + MOST_SPARE) this.labels.clear();
  }

  /**
   * Tells an amount.
   * @param key names the labels, whatever they are shown as
   * @param resetMs when it began anew, ms; 0: with all others
   */
  tell(key: string, labelled: () => Labelled, amount: bigint, resetMs = 0): void {
    let shown = this.labels.get(key);
    if (shown === undefined) this.labels.set(key, (shown = this.layout.of(labelled())));
    let row = this.rows.get(shown.key);
    if (row === undefined) this.rows.set(shown.key, (row = new ToldRow(shown, this.print)));
    if (row.clears !== this.lines.clears) {
      // Not only once: a load of other totals removes every line of the family, these among them.
      this.lines.set(shown.before, row);
      row.clears = this.lines.clears;
    }
    const again = row.round === this.round;
    row.amount = again ? this.join(row.amount, amount) : amount;
    row.resetMs = again ? Math.max(row.resetMs, resetMs) : resetMs;
    row.round = this.round;
  }

  /** All is told: lines that were not told go. */
  async end(): Promise<void> {
    const turns = new Turns();
    for (const [key, row] of this.rows) {
      if (turns.due()) await turns.take();
      if (row.round === this.round) continue;
      this.rows.delete(key);
      this.lines.delete(row.shown.before);
    }
  }
}
