import { parseAmountField } from '@quipu/ledger';

/** One amount. The value changes in place while the series lives; who keeps the object sees the newest. */
export interface TotalSeries {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  /** An exact integer, as decimal text. */
  value: string;
}

/** The series of one family. */
export interface TotalsFamily {
  readonly name: string;
  /** By a key of their own. */
  readonly series: ReadonlyMap<string, TotalSeries>;
  /** Rises when a series appears or goes: whatever was prepared from the labels is to be prepared anew. */
  readonly structure: number;
}

interface Growing extends TotalsFamily {
  readonly series: Map<string, TotalSeries>;
  structure: number;
}

/** Amounts by family, as they are kept up to date. */
export class FamilySet {
  private readonly families = new Map<string, Growing>();

  /** @param wanted names of families to keep; all if absent. */
  constructor(private readonly wanted?: ReadonlySet<string>) {}

  /** The series of a family; none if it has none. */
  family(name: string): TotalsFamily {
    return this.of(name);
  }

  /**
   * Sets a field to a value; `0` removes it. Fields that are no amounts are passed over.
   * @throws SyntaxError or URIError for what nobody of ours has written.
   */
  set(field: string, value: string): void {
    const end = field.indexOf('|');
    if (end <= 0 || field.charCodeAt(0) === AT) return;
    const name = field.slice(0, end);
    if (this.wanted?.has(name) === false) return;
    const family = this.of(name);
    const known = family.series.get(field);
    if (value === '0') {
      if (known === undefined) return;
      family.series.delete(field);
      family.structure += 1;
      return;
    }
    if (!INTEGER.test(value)) throw new SyntaxError(`${name} has a total that is no integer`);
    if (known !== undefined) {
      known.value = value;
      return;
    }
    const parsed = parseAmountField(field);
    if (parsed === null) return;
    const labels = JSON.parse(parsed.labels) as Record<string, string> | null;
    if (typeof labels !== 'object' || labels === null)
      throw new SyntaxError(`${name} has a total without labels`);
    family.series.set(field, { tenant: parsed.tenant, labels, value });
    family.structure += 1;
  }

  private of(name: string): Growing {
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, (family = { name, series: new Map(), structure: 0 }));
    return family;
  }
}

const INTEGER = /^-?\d+$/;
const AT = '@'.charCodeAt(0);
