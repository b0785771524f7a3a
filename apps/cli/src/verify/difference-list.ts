import type { Difference, DifferenceKind } from './report.js';

/** Differences as they are found: all are counted, the first of each kind are kept. */
export class DifferenceList {
  private readonly kept = new Map<DifferenceKind, Difference[]>();
  private total = 0;

  constructor(private readonly keepPerKind: number) {}

  /** How many more of `kind` would be kept. */
  room(kind: DifferenceKind): number {
    return this.keepPerKind - (this.kept.get(kind)?.length ?? 0);
  }

  /** Adds a difference. */
  add(difference: Omit<Difference, 'entities'> & { readonly entities?: readonly string[] }): void {
    this.total += 1;
    if (this.room(difference.kind) <= 0) return;
    const kept = this.kept.get(difference.kind) ?? [];
    kept.push({ entities: [], ...difference });
    this.kept.set(difference.kind, kept);
  }

  /** Counts differences that are not shown. */
  addUnseen(count: number): void {
    this.total += count;
  }

  /** How many differences there are. */
  get count(): number {
    return this.total;
  }

  /** Those that are kept, kind by kind. */
  get examples(): Difference[] {
    return [...this.kept.values()].flat();
  }
}
