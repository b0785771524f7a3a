import {
  type Family,
  type HistogramFamily,
  labelText,
  NO_LABELS,
  type SimpleFamily,
} from '@quipu/exposition';

const NASTY = 'back\\slash "quoted"\nnext line, {a="b"} 1 é☃';

const gauge: SimpleFamily = {
  name: 'artifact_file_size_bytes',
  type: 'gauge',
  help: 'Bytes of "artifact" files.\nCounted per link \\ file.',
  unit: 'bytes',
  series: [
    { labels: labelText([['category', 'debian:upload']]), value: 9007199254740993n },
    { labels: labelText([['category', NASTY]]), value: '18446744073709551615' },
    { labels: labelText([['category', '']]), value: -3 },
  ],
};

const counter: SimpleFamily = {
  name: 'quipu_jobs_finished',
  type: 'counter',
  help: 'Jobs that came to an end.',
  series: [
    { labels: labelText([['result', 'failure']]), value: '0', created: '1767225600.125' },
    { labels: labelText([['result', 'success']]), value: '123456789012345678901234567890' },
  ],
};

const seconds: HistogramFamily = {
  name: 'quipu_job_wait_seconds',
  type: 'histogram',
  help: 'Seconds from queued to started.',
  unit: 'seconds',
  bounds: ['0.05', '1', '60', '+Inf'],
  series: [
    { labels: NO_LABELS, counts: ['3', undefined, 2n, 1], sum: '98765.4321', created: 1767225600 },
    { labels: labelText([['queue', 'a']]), counts: [], sum: 0n },
  ],
};

const activity: HistogramFamily = {
  name: 'user_activity',
  type: 'gaugehistogram',
  help: 'Number of users who have created a workflow in the bucket',
  unit: 'seconds',
  bounds: ['1', '3', '+Inf'],
  series: [
    {
      labels: labelText([['issuer', 'a']]),
      labelsAfterLe: labelText([['scope', 'debusine']]),
      counts: [1, 0, 9007199254740992n],
      sum: '12.5',
    },
    { labels: NO_LABELS, labelsAfterLe: labelText([['scope', 'other']]), counts: [0, 1, 0] },
  ],
};

/** Every kind of family, and every kind of value that is easily got wrong. */
export const SAMPLE_FAMILIES: readonly Family[] = [
  gauge,
  counter,
  seconds,
  activity,
  {
    name: 'quipu_build',
    type: 'info',
    help: 'Build of the process.',
    series: [{ labels: labelText([['version', '0.1.0']]), value: 1 }],
  },
  {
    name: 'odd_numbers',
    type: 'unknown',
    help: 'Doubles.',
    series: [0.1, 1e21, 5e-324, -0, NaN, Infinity, -Infinity].map((value, i) => ({
      labels: labelText([['i', String(i)]]),
      value,
    })),
  },
  { name: 'nothing_yet', type: 'gauge', help: 'A family without series.', series: [] },
];
