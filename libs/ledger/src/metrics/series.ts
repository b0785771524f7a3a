import { type Series } from '../entities/types.js';
import { canonicalLabels } from '../storage/canonical-labels.js';
import { type LabelValues } from './types.js';

/** One label set of a family, and the series of its samples, each made when it is first needed. */
export interface SeriesSet {
  readonly main: Series;
  /** `<stored>:n` */
  present?: Series;
  /** `<stored>:sum` */
  sum?: Series;
  /** `<stored>:rate` */
  rate?: Series;
  /** `<stored>` with `le`, by bucket. */
  readonly buckets: Series[];
}

/** Forgetting all of them costs writing texts again; remembering all has no bound. */
const REMEMBERED = 20_000;

/**
 * The series of one stored family. Their texts are made once: a job that ends adds to a dozen of them, and writing
 * them anew would cost more than adding.
 */
export class FamilySeries {
  private readonly known = new Map<string, SeriesSet>();
  private readonly names: readonly string[];

  /**
   * @param names labels that are stored, without `scope`, in any order.
   * @param open takes the labels as they come.
   */
  constructor(
    private readonly stored: string,
    names: readonly string[],
    private readonly open: boolean,
  ) {
    this.names = [...names].sort();
  }

  /** The series of a label set; `scope` undefined where it is the tenant. */
  of(tenant: string, labels: LabelValues, scope: string | undefined): SeriesSet {
    let name = scope === undefined ? tenant : `${tenant}\0\0${scope}`;
    if (this.open) name += `\0${JSON.stringify(labels)}`;
    else for (const label of this.names) name += `\0${labels[label] ?? ''}`;
    let found = this.known.get(name);
    if (found === undefined) {
      if (this.known.size >= REMEMBERED) this.known.clear();
      found = { main: this.make(this.stored, tenant, labels, scope), buckets: [] };
      this.known.set(name, found);
    }
    return found;
  }

  /** The series of a set in one bucket; `le` is its bound as text. */
  bucket(set: SeriesSet, place: number, le: string): Series {
    return (set.buckets[place] ??= {
      ...set.main,
      labels: canonicalLabels({ ...(JSON.parse(set.main.labels) as Record<string, string>), le }),
    });
  }

  /** The series of a set in a family beside the stored one: `n`, `sum` or `rate`. */
  beside(set: SeriesSet, suffix: string): Series {
    return { ...set.main, family: `${this.stored}:${suffix}` };
  }

  private make(family: string, tenant: string, labels: LabelValues, scope: string | undefined): Series {
    const values: Record<string, string> = {};
    if (this.open) Object.assign(values, labels);
    else for (const label of this.names) values[label] = labels[label] ?? '';
    if (scope !== undefined) values['scope'] = scope;
    return { family, tenant, labels: canonicalLabels(values) };
  }
}
