import { type EntityKindName } from '../entities/types.js';
import { type MetricViews } from './views.js';

/** Whose format a family follows. */
export type Dialect = 'debusine' | 'restic' | 'quipu';

/** Type of a family in OpenMetrics; the older text format calls a `gaugehistogram` a histogram, an `info` a gauge. */
export type MetricType = 'gauge' | 'counter' | 'histogram' | 'gaugehistogram' | 'info';

/**
 * Who sees a family. `tenant`: each tenant its own series. `fleet`: the shared fleet, shown to every scraper.
 * `platform`: about the platform itself, only whoever sees all tenants. `internal`: not scraped, read by other answers.
 */
export type Audience = 'tenant' | 'fleet' | 'platform' | 'internal';

/** Where the values of a label's zero rows come from: a closed list, or what is known when it is scraped. */
export type ZeroValues = readonly string[] | ZeroSource;

/** Lists of values that are not closed: existing scopes and pools, and names of the vocabulary file. */
export type ZeroSource =
  | 'scopes'
  | 'pools'
  | 'issuers'
  | 'task_names'
  | 'artifact_categories'
  | 'collection_categories'
  | 'asset_categories'
  | 'workflow_names';

/** What every family says of itself, whatever its values come from. */
export interface FamilyInfo {
  /** Without the suffixes that samples have (`_total`, `_bucket`, ...). */
  readonly name: string;
  readonly dialect: Dialect;
  readonly type: MetricType;
  readonly help: string;
  /** Base unit, when the name ends in it. */
  readonly unit?: string;
  /** In declared order, the tenant's included, `le` not. */
  readonly labels: readonly string[];
  /** The label that carries the tenant; null: series of several tenants are added up. */
  readonly tenantLabel: 'scope' | 'tenant' | null;
  readonly audience: Audience;
  /** Rows of value 0 that exist without any entity: the product of these values. Labels not named are `''`. */
  readonly zeroRows?: Readonly<Record<string, ZeroValues>>;
  /** Labels that the public view leaves out. */
  readonly hidden?: readonly string[];
  /** What the series beyond a budget become, in one: their sum if absent; an age or a flag does not add up. */
  readonly folds?: 'sum' | 'max' | 'min';
}

/** A family whose values are running totals. */
export interface EntityFamily extends FamilyInfo {
  readonly source: 'totals';
  /**
   * How the samples are stored (docs/semantics.md, "Metrics"). `value`: amount `stored`. `present`: besides, amount
   * `stored:n`. `distribution`: amounts `stored` with `le`, and `stored:sum`. `accruing`: amounts `stored` and
   * `stored:rate`. `members`: sets of `stored`, for distributions of ages. `oldest`: the age of the lowest score.
   */
  readonly form: 'value' | 'present' | 'distribution' | 'accruing' | 'members' | 'oldest';
  /** Name of the amounts or members; that of the family, if it has them for itself. */
  readonly stored: string;
  /** Upper bounds without `+Inf`, in display units (seconds, days, bytes, things). */
  readonly buckets?: readonly number[];
  /** Stored units per display unit: 1000 for ms shown as seconds. */
  readonly scale: number;
  /** Whether a distribution also tells its sum and count. Of `members`: amounts `stored:sum` = −Σ scores and `stored:rate`. */
  readonly sums: boolean;
  /** Label names that begin like this depend on the entity; those a series lacks are shown as `0`. */
  readonly openLabels?: string;
  /** Makes of the evaluated series of the stored family, in display-independent units, those that are shown. */
  readonly shown?: (samples: readonly EvaluatedSample[]) => EvaluatedSample[];
  /** Labels whose values, like tenants, `shown` keeps apart: samples may be given to it group by group. */
  readonly shownBy?: readonly string[];
  /** What an entity of each kind contributes: pure, and of the entity's own state alone. */
  readonly of: { readonly [K in EntityKindName]?: Contribute<K> };
}

/** A family whose values come from elsewhere: the state of projections, queues and the process. */
export interface OperationalFamily extends FamilyInfo {
  readonly source: 'operational';
  readonly buckets?: readonly number[];
}

/** One definition in the catalogue. */
export type MetricFamily = EntityFamily | OperationalFamily;

/** A series and its value at the instant of the scrape, in stored units. */
export interface EvaluatedSample {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: bigint;
}

/** What one entity adds to one family. */
export type Contribute<K extends EntityKindName> = (view: MetricViews[K], to: SampleSink) => void;

/** Label values by name, without the tenant's. One that a family declares and this lacks is `''`. */
export type LabelValues = Readonly<Record<string, string>>;

/** Takes the samples of one entity for one family. A `scope` that is not the tenant becomes a label. */
export interface SampleSink {
  /** A gauge or counter goes up by `value`. */
  add(value: number | bigint, labels: LabelValues, scope?: string): void;
  /** One observation of a distribution, in stored units. */
  observe(value: number, labels: LabelValues, scope?: string): void;
  /** An interval (ms) of something that accrues `height` per unit of time. */
  accrue(start: number, end: number | null, height: number, labels: LabelValues, scope?: string): void;
  /** Accrued time that is known as a sum: `base + rate · now`. */
  accrued(base: number | bigint, rate: number, labels: LabelValues, scope?: string): void;
  /** The series exists, whatever its value. */
  exists(labels: LabelValues, scope?: string): void;
  /** The entity is a member, scored by an instant (ms). */
  member(score: number, labels: LabelValues, scope?: string): void;
}
