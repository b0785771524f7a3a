import { operational } from '../define.js';
import { type MetricFamily } from '../types.js';

/** Families about the system itself: whoever shows them asks projections, the queue, Redis and the process. */
export const operationalFamilies: readonly MetricFamily[] = [
  operational({
    name: 'rm_build_info',
    dialect: 'restic',
    type: 'gauge',
    help: 'Build identifying labels; value is always 1.',
    labels: ['version', 'commit', 'go_version'],
    audience: 'fleet',
  }),
  operational({
    name: 'quipu_build',
    type: 'info',
    help: 'What runs here.',
    labels: ['version', 'commit', 'node_version'],
    audience: 'fleet',
  }),
  operational({
    name: 'quipu_ingest_rejected',
    type: 'counter',
    help: 'Events refused, by reason; each that came twice, twice.',
    labels: ['reason'],
  }),
  operational({
    name: 'quipu_ingest_duplicates',
    type: 'counter',
    help: 'Events that were in the log already.',
    labels: [],
  }),
  operational({
    name: 'quipu_dead_letters',
    type: 'gauge',
    help: 'Refused events that wait for a person, by reason.',
    labels: ['reason'],
  }),
  operational({
    name: 'quipu_projection_position',
    type: 'gauge',
    help: 'Position of the log up to which a projection has folded.',
    labels: ['projection'],
  }),
  operational({
    name: 'quipu_projection_lag_events',
    type: 'gauge',
    help: 'Events in the log that a projection has not folded.',
    labels: ['projection'],
  }),
  operational({
    name: 'quipu_projection_lag_seconds',
    type: 'gauge',
    help: 'How long the oldest event has been in the log that a projection has not folded.',
    unit: 'seconds',
    labels: ['projection'],
  }),
  operational({
    name: 'quipu_projection_halted',
    type: 'gauge',
    help: '1 while a projection stands still at an event it cannot fold.',
    labels: ['projection'],
  }),
  operational({
    name: 'quipu_totals_drift',
    type: 'gauge',
    help: 'Running totals in which Redis differed from Postgres when they were last compared, until they are loaded anew.',
    labels: [],
  }),
  operational({
    name: 'quipu_totals_compared_timestamp_seconds',
    type: 'gauge',
    help: 'When the running totals in Redis were last compared with Postgres, seconds since 1970; 0 if never.',
    unit: 'seconds',
    labels: [],
  }),
  operational({
    name: 'quipu_worker_seconds_conserved_ratio',
    type: 'gauge',
    help: 'Busy, idle and offline slot time of the workers of a tenant, over the time they were registered: 1.',
    unit: 'ratio',
    labels: ['tenant'],
    tenantLabel: 'tenant',
  }),
  operational({
    name: 'quipu_sampler_generation_timestamp_seconds',
    type: 'gauge',
    help: 'Time of the newest generation of points for pull collectors, seconds since 1970; 0 if there is none.',
    unit: 'seconds',
    labels: [],
  }),
  operational({
    name: 'quipu_sampler_points',
    type: 'gauge',
    help: 'Points of the newest generation.',
    labels: [],
  }),
  operational({
    name: 'quipu_sampler_points_left_out',
    type: 'gauge',
    help: 'Points that the newest generation had no room for.',
    labels: [],
  }),
  operational({
    name: 'quipu_series_folded',
    type: 'gauge',
    help: 'Series of a family that its budget folded into `__other__`, and its rows of 0 that were left out.',
    labels: ['family'],
    audience: 'fleet',
  }),
];
