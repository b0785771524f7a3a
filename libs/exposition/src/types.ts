/** The two ways to write an exposition down: OpenMetrics 1.0.0, and the older Prometheus text 0.0.4. */
export type Format = 'openmetrics' | 'text';

/**
 * A number on its way out: an integer of any size as bigint or decimal text (printed as it is), or a double.
 * Text is never parsed by the renderer, so it must be a number as both formats write it.
 */
export type Value = string | number | bigint;

declare const labelText: unique symbol;

/** Labels as they stand between the braces, `a="b",c="d"`: escaped once by `labelText`, then kept. */
export type LabelText = string & { readonly [labelText]: true };

/** One series of a gauge, counter, info or unknown family. May be kept and changed in place by its owner. */
export interface Series {
  readonly labels: LabelText;
  readonly value: Value;
  /** Counters: when counting began, in seconds since 1970. Printed as `_created`, in OpenMetrics only. */
  readonly created?: Value | undefined;
}

/** One series of a histogram or gauge histogram. */
export interface HistogramSeries {
  readonly labels: LabelText;
  /** Labels that are printed behind `le`, for a dialect that orders labels by name. */
  readonly labelsAfterLe?: LabelText;
  /** Observations in each bucket alone, NOT cumulative, one per bound of the family; absent is 0. */
  readonly counts: readonly (Value | undefined)[];
  /** Sum of the observations in the family's unit. Without it neither sum nor count is printed. */
  readonly sum?: Value | undefined;
  /** Histograms only: when counting began, in seconds since 1970. Printed in OpenMetrics only. */
  readonly created?: Value | undefined;
}

interface FamilyHead {
  /** A counter's without `_total`, an info's without `_info`: the renderer adds them. */
  readonly name: string;
  readonly help: string;
  /** Printed in OpenMetrics, where the name ends with it (`seconds`, `bytes`); else left out. */
  readonly unit?: string;
}

/** A family whose every series is one line. */
export interface SimpleFamily extends FamilyHead {
  readonly type: 'gauge' | 'counter' | 'info' | 'unknown';
  /** In the order they are to be printed. Read once per rendering; may be a generator. */
  readonly series: Iterable<Series>;
}

/** A family of distributions; a `gaugehistogram`'s population can shrink, a `histogram`'s cannot. */
export interface HistogramFamily extends FamilyHead {
  readonly type: 'histogram' | 'gaugehistogram';
  /** Upper bounds as printed, ascending, the last one `+Inf`. */
  readonly bounds: readonly string[];
  readonly series: Iterable<HistogramSeries>;
}

/** A metric family with its series. */
export type Family = SimpleFamily | HistogramFamily;
