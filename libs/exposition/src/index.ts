/**
 * Metric families written as OpenMetrics 1.0.0 or Prometheus text 0.0.4. Pure: families in, text out.
 *
 * Labels are escaped once (`labelText`) and kept by whoever keeps the series; values are text, bigint or
 * number; rendering is then little more than putting strings together, in chunks.
 */
export * from './buckets.js';
export * from './fold.js';
export * from './labels.js';
export * from './negotiate.js';
export * from './numbers.js';
export * from './render.js';
export * from './series-table.js';
export * from './types.js';
