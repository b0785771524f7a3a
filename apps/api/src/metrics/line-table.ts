import { type LabelText, SeriesTable, type ValueSource } from '@quipu/exposition';
import { Turns } from './breathe.js';
import type { ZeroRows } from './zero-rows.js';

const ZERO: ValueSource = { value: '0' };
const NO_ZEROS: ZeroRows = { labels: [], total: 0 };

/**
 * The lines of one family without buckets, kept between scrapes: those that something adds to, and rows of zeros where
 * there is room for them. Rows of zeros never push a family over its budget.
 */
export class LineTable {
  readonly table = new SeriesTable();
  private readonly found = new Set<LabelText>();
  private readonly zeros = new Set<LabelText>();
  private wanted = NO_ZEROS;
  private left = 0;
  private changed = false;

  /** How often all lines were removed. */
  clears = 0;

  /** How many lines there are without the rows of zeros. */
  get size(): number {
    return this.found.size;
  }

  /** Has the value of a line read from `source`; the line appears, in place of its zero, if it was not there. */
  set(labels: LabelText, source: ValueSource): void {
    if (!this.found.has(labels)) {
      this.found.add(labels);
      this.zeros.delete(labels);
      this.changed = true;
    }
    this.table.set(labels, source);
  }

  /** Removes a line. */
  delete(labels: LabelText): void {
    if (!this.found.delete(labels)) return;
    this.table.delete(labels);
    this.changed = true;
  }

  /** Removes all lines, rows of zeros included. */
  clear(): void {
    this.clears += 1;
    this.table.clear();
    this.found.clear();
    this.zeros.clear();
    this.changed = true;
  }

  /** Has rows of zeros as far as the budget goes, the first ones first. Says how many there was no room for. */
  async settle(wanted: ZeroRows, budget: number): Promise<number> {
    if (wanted === this.wanted && !this.changed) return this.left;
    const turns = new Turns();
    if (wanted !== this.wanted) {
      for (const labels of this.zeros) {
        if (turns.due()) await turns.take();
        this.table.delete(labels);
      }
      this.zeros.clear();
    }
    let room = budget - this.found.size;
    let left = wanted.total - wanted.labels.length;
    for (const labels of wanted.labels) {
      if (turns.due()) await turns.take();
      if (this.found.has(labels)) continue;
      if (room > 0) {
        room -= 1;
        if (this.zeros.has(labels)) continue;
        this.zeros.add(labels);
        this.table.set(labels, ZERO);
      } else {
        left += 1;
        if (this.zeros.delete(labels)) this.table.delete(labels);
      }
    }
    [this.wanted, this.left, this.changed] = [wanted, left, false];
    return left;
  }
}
