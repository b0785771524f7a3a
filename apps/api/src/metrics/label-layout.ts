import { type LabelText, labelText, sortingText } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import { SUPERADMIN_TENANT } from '@quipu/access';
import type { MetricsView } from './metrics-view.js';

/** Whose total it is, and under which labels; those of a distribution without `le`. */
export interface Labelled {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Labels ready to be printed. */
export interface ShownLabels {
  /** Equal for labels that are equal; those of distributions sort as their values do. */
  readonly key: string;
  readonly before: LabelText;
  /** Those printed behind `le`, in a dialect that orders labels by name. */
  readonly after?: LabelText;
}

/**
 * How the labels of one family are printed in one view. Debusine orders labels by name, `le` included; the others have
 * them as declared. A host is known by its own tenant's name for it: where hosts of several tenants are shown, those
 * that are not the platform's have their tenant as well, else two of one name would be one line.
 */
export class LabelLayout {
  /** Equal for layouts that are equal, of one family in one view. */
  readonly key: string;
  private readonly names: readonly string[];
  private readonly afterLe: readonly string[];
  private readonly blank: ReadonlySet<string>;
  private readonly hosts: boolean;

  /** @param open names of labels that depend on the entities, such as `architecture_amd64` */
  constructor(
    private readonly family: EntityFamily,
    private readonly view: MetricsView,
    private readonly open: ReadonlySet<string>,
  ) {
    const all = [...family.labels, ...[...open].sort()];
    const byName = family.dialect === 'debusine';
    const split = byName && (family.form === 'distribution' || family.form === 'members');
    const names = byName ? all.sort() : all;
    this.key = names.join(',');
    this.names = split ? names.filter((name) => name < 'le') : names;
    this.afterLe = split ? names.filter((name) => name > 'le') : [];
    this.blank = new Set(view.blank ? family.hidden : []);
    this.hosts = view.platform && family.tenantLabel === null && family.labels.includes('host_id');
  }

  /** The labels of one series. */
  of(series: Labelled): ShownLabels {
    const before = labelText(this.pairs(this.names, series));
    if (this.family.buckets === undefined) return { key: before, before };
    if (this.afterLe.length === 0) return { key: sortingText(before), before };
    const after = labelText(this.pairs(this.afterLe, series));
    return { key: `${sortingText(before)}\n${sortingText(after)}`, before, after };
  }

  /** Every label with the same value. */
  constant(value: string): LabelText {
    return labelText([...this.names, ...this.afterLe].map((name) => [name, value]));
  }

  private *pairs(names: readonly string[], { tenant, labels }: Labelled): Generator<[string, string]> {
    const { tenantLabel } = this.family;
    for (const name of names) {
      if (name === tenantLabel) yield [name, this.view.shown(tenant, labels[name] ?? tenant)];
      else if (this.blank.has(name)) yield [name, ''];
      else yield [name, labels[name] ?? (this.open.has(name) ? '0' : '')];
    }
    if (this.hosts && tenant !== SUPERADMIN_TENANT) yield ['tenant', tenant];
  }
}
