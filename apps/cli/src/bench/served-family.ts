import { type EntityFamily, metricFamilies } from '@quipu/ledger';
import { CounterMarks, type Totals, type TotalSeries } from '@quipu/read-models';
/* eslint-disable no-restricted-imports -- what is measured must be what the API serves, not something like it */
import { ExpositionBody } from '../../../api/src/metrics/exposition-body.js';
import { PLATFORM_VIEW } from '../../../api/src/metrics/metrics-view.js';
import { ViewedFamilies } from '../../../api/src/metrics/viewed-families.js';
import { NO_VOCABULARY } from '../../../api/src/metrics/vocabulary.js';
/* eslint-enable no-restricted-imports */

const EVERYTHING = 1_000_000;

/** One family of the catalogue with totals in memory, rendered by the classes that the API renders it with. */
export class ServedFamily {
  readonly family: EntityFamily;
  private readonly series = new Map<string, TotalSeries>();
  private readonly viewed: ViewedFamilies;
  private readonly totals: Totals;

  /** @param labels of the totals, the tenant's included @throws for a name that is not in the catalogue */
  constructor(name: string, labels: readonly Readonly<Record<string, string>>[]) {
    const family = metricFamilies.find((one): one is EntityFamily => one.name === name && 'stored' in one);
    if (family === undefined) throw new Error(`the catalogue has no family ${name}`);
    this.family = family;
    for (const [i, all] of labels.entries()) {
      const { [family.tenantLabel ?? '']: tenant = '', ...rest } = all;
      this.series.set(String(i), { tenant, labels: rest, value: '0' });
    }
    this.viewed = new ViewedFamilies(
      [family],
      PLATFORM_VIEW,
      EVERYTHING,
      (same) => same,
      new CounterMarks(null),
    );
    const stored = { name: family.stored, series: this.series, structure: 1 };
    const others = { name: '', series: new Map<string, TotalSeries>(), structure: 0 };
    this.totals = {
      ...{ position: 1n, source: 'redis' as const, members: () => Promise.resolve([]) },
      family: (wanted) => (wanted === family.stored ? stored : others),
    };
  }

  /** Gives every total a new value, as the replica does: in place. */
  change(value: (index: number) => number): void {
    let i = 0;
    for (const series of this.series.values()) series.value = String(value(i++));
  }

  /** The whole exposition, as bytes. */
  async render(): Promise<Buffer> {
    const zeros = {
      ...{ key: '', view: PLATFORM_VIEW, vocabulary: NO_VOCABULARY },
      ...{ tenants: [], home: 'superadmin' },
    };
    const now = Date.now();
    const families = await this.viewed.at({ totals: this.totals, now, created: '1', zeros }, []);
    return (await ExpositionBody.of(families, 'text', { position: 1n, now })).bytes;
  }
}
