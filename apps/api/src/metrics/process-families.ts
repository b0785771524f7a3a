import {
  boundNumber,
  type Family,
  type HistogramSeries,
  labelText,
  type LabelText,
  type Series,
} from '@quipu/exposition';
import { collectDefaultMetrics, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';

/** Gauges whose name ends like a counter's: no checker lets them pass, and nobody needs them. */
const LEFT_OUT = /^nodejs_active_.*_total$/;

/** What the least of no delays is, in seconds: the largest integer of 64 bits, in nanoseconds. */
const NOTHING_YET = 2 ** 63 / 1e9;

let registry: Registry | null = null;

/** Metrics of this process: processor time, memory, the event loop, garbage collection. */
export async function processFamilies(): Promise<Family[]> {
  if (registry === null) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  const metrics = (await registry.getMetricsAsJSON()) as unknown as Metric[];
  return metrics.filter(({ name }) => !LEFT_OUT.test(name)).map(familyOf);
}

type Metric = MetricObjectWithValues<MetricValue<string> & { metricName?: string }>;

function familyOf(metric: Metric): Family {
  const { name, help } = metric;
  // The library gives the type as a word, whatever its declarations say.
  const type = String(metric.type);
  if (type === 'histogram') return histogramOf(metric);
  const series: Series[] = metric.values
    .filter(({ value }) => Number.isFinite(value) && value !== NOTHING_YET)
    .map(({ labels, value }) => ({ labels: textOf(labels), value }));
  return type === 'counter'
    ? { name: name.replace(/_total$/, ''), help, type, series }
    : { name, help, type: type === 'gauge' ? 'gauge' : 'unknown', series };
}

function histogramOf({ name, help, values }: Metric): Family {
  const les = new Set<string>();
  const rows = new Map<LabelText, { cumulated: Map<string, number>; sum: number }>();
  for (const { labels, value, metricName } of values) {
    const { le, ...rest } = labels as Record<string, string | number>;
    const text = textOf(rest);
    let row = rows.get(text);
    if (row === undefined) rows.set(text, (row = { cumulated: new Map(), sum: 0 }));
    if (le !== undefined) {
      les.add(String(le));
      row.cumulated.set(String(le), value);
    } else if (metricName?.endsWith('_sum')) row.sum = value;
  }
  const bounds = [...les].sort((a, b) => boundNumber(a) - boundNumber(b));
  const series: HistogramSeries[] = [...rows].map(([labels, { cumulated, sum }]) => {
    let below = 0;
    const counts = bounds.map((bound) => {
      const upTo = cumulated.get(bound) ?? below;
      const count = upTo - below;
      below = upTo;
      return count;
    });
    return { labels, counts, sum };
  });
  return { name, help, type: 'histogram', bounds, series };
}

function textOf(labels: Partial<Record<string, string | number>>): LabelText {
  return labelText(Object.entries(labels).map(([label, value]) => [label, String(value)]));
}
