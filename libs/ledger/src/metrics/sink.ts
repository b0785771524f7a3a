import { type Contributions, type EntityKey, type Series } from '../entities/types.js';
import { FamilySeries, type SeriesSet } from './series.js';
import { type EntityFamily, type LabelValues, type SampleSink } from './types.js';

/**
 * Turns the samples of one family into amounts and members. There is one per family, told of each entity by `begin`:
 * folding is synchronous, and a sink per entity would be one more object per fact.
 */
export class FamilySink implements SampleSink {
  private readonly series: FamilySeries;
  private readonly scoped: boolean;
  private bounds: readonly number[] | undefined;
  private texts: readonly string[] = [];
  private key: EntityKey | undefined;
  private found: Contributions | undefined;

  constructor(private readonly family: EntityFamily) {
    const { stored, labels, tenantLabel, openLabels } = family;
    const kept = labels.filter((label) => label !== tenantLabel);
    this.series = new FamilySeries(stored, kept, openLabels !== undefined);
    this.scoped = tenantLabel === 'scope';
  }

  /** What follows is about this entity, and goes there. */
  begin(key: EntityKey, found: Contributions): void {
    this.key = key;
    this.found = found;
  }

  add(value: number | bigint, labels: LabelValues, scope?: string): void {
    const set = this.set(labels, scope);
    this.push(set.main, value);
    if (this.family.form === 'present') this.push((set.present ??= this.series.beside(set, 'n')), 1);
  }

  exists(labels: LabelValues, scope?: string): void {
    const set = this.set(labels, scope);
    this.push((set.present ??= this.series.beside(set, 'n')), 1);
  }

  observe(value: number, labels: LabelValues, scope?: string): void {
    const { bounds = this.ladder() } = this;
    const set = this.set(labels, scope);
    let place = 0;
    while (place < bounds.length && value > bounds[place]!) place++;
    this.push(set.buckets[place] ?? this.series.bucket(set, place, this.texts[place]!), 1);
    this.push((set.sum ??= this.series.beside(set, 'sum')), value);
  }

  accrue(start: number, end: number | null, height: number, labels: LabelValues, scope?: string): void {
    if (height === 0 || start === end) return;
    const set = this.set(labels, scope);
    this.push(set.main, product(end === null ? -start : end - start, height));
    if (end === null) this.push((set.rate ??= this.series.beside(set, 'rate')), height);
  }

  accrued(base: number | bigint, rate: number, labels: LabelValues, scope?: string): void {
    const set = this.set(labels, scope);
    this.push(set.main, base);
    this.push((set.rate ??= this.series.beside(set, 'rate')), rate);
  }

  member(score: number, labels: LabelValues, scope?: string): void {
    const set = this.set(labels, scope);
    this.found!.members.push({ series: set.main, member: this.key!.id, score });
    if (!this.family.sums) return;
    this.push((set.sum ??= this.series.beside(set, 'sum')), -score);
    this.push((set.rate ??= this.series.beside(set, 'rate')), 1);
  }

  private set(labels: LabelValues, scope: string | undefined): SeriesSet {
    const { tenant } = this.key!;
    return this.series.of(tenant, labels, this.scoped && scope !== tenant ? scope : undefined);
  }

  private push(series: Series, value: number | bigint): void {
    if (value !== 0 && value !== 0n) this.found!.amounts.push({ series, value });
  }

  private ladder(): readonly number[] {
    const { buckets = [], scale } = this.family;
    this.texts = [...buckets.map(String), '+Inf'];
    return (this.bounds = buckets.map((bound) => Math.round(bound * scale)));
  }
}

/** The product of two safe integers, exact. */
function product(a: number, b: number): number | bigint {
  const value = a * b;
  return Number.isSafeInteger(value) ? value : BigInt(a) * BigInt(b);
}
