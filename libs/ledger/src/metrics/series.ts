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

/** Series sets by one label's value, or the levels below it. */
type Level = Map<string, unknown>;

function below(level: Level, value: string): Level {
  let found = level.get(value) as Level | undefined;
  if (found === undefined) level.set(value, (found = new Map()));
  return found;
}

/** Forgetting all of them costs writing texts again; remembering all has no bound. */
const REMEMBERED = 20_000;

/**
 * The series of one stored family. Their texts are made once: a job that ends adds to a dozen of them, and writing
 * them anew would cost more than adding.
 */
export class FamilySeries {
  private readonly known: Level = new Map();
  private readonly scoped: Level = new Map();
  private size = 0;
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
    // Value by value: the texts are short and met in many families, so most of their hashes are known already.
    let level = below(scope === undefined ? this.known : below(this.scoped, scope), tenant);
    const { names, open } = this;
    const last = open ? JSON.stringify(labels) : (labels[names.at(-1) ?? ''] ?? '');
    if (!open) for (let i = 0; i < names.length - 1; i++) level = below(level, labels[names[i]!] ?? '');
    const found = level.get(last) as SeriesSet | undefined;
    if (found !== undefined) return found;
    const made = { main: this.make(this.stored, tenant, labels, scope), buckets: [] };
    if ((this.size += 1) > REMEMBERED) this.forget();
    else level.set(last, made);
    return made;
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

  private forget(): void {
    this.known.clear();
    this.scoped.clear();
    this.size = 0;
  }

  private make(family: string, tenant: string, labels: LabelValues, scope: string | undefined): Series {
    const values: Record<string, string> = {};
    if (this.open) Object.assign(values, labels);
    else for (const label of this.names) values[label] = labels[label] ?? '';
    if (scope !== undefined) values['scope'] = scope;
    return { family, tenant, labels: canonicalLabels(values) };
  }
}
