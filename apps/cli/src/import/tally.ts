/** Counts of things by reason, with the first few places where each was met. */
export class Tally {
  private readonly reasons = new Map<string, { count: number; lines: number[] }>();

  /** Counts one thing at a line (or element) of the file. */
  add(reason: string, line: number): void {
    const entry = this.reasons.get(reason) ?? { count: 0, lines: [] };
    entry.count += 1;
    if (entry.lines.length < 3) entry.lines.push(line);
    this.reasons.set(reason, entry);
  }

  get total(): number {
    let total = 0;
    for (const entry of this.reasons.values()) total += entry.count;
    return total;
  }

  /** The reasons, most frequent first. */
  list(): { reason: string; count: number; firstLines: number[] }[] {
    return [...this.reasons]
      .map(([reason, { count, lines }]) => ({ reason, count, firstLines: lines }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
  }
}
