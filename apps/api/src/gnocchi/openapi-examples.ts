const CREATED_BY = { creator: 'ann', created_by_user_id: 'ann', created_by_project_id: '' };

/** A policy in the document. */
export const EXAMPLE_POLICY = {
  name: 'ground',
  back_window: 0,
  definition: [{ granularity: '0:00:01', points: 60, timespan: '0:01:00' }],
  aggregation_methods: ['mean', 'min', 'max', 'sum', 'std', 'count'],
};

/** A rule in the document. */
export const EXAMPLE_RULE = { name: 'disks', archive_policy_name: 'ground', metric_pattern: 'disk.*' };

/** A metric in the document. */
export const EXAMPLE_METRIC = {
  id: '4c964d57-9d67-4c49-bc61-d48d15b705c6',
  name: 'cpu',
  unit: '%',
  resource_id: null,
  archive_policy: EXAMPLE_POLICY,
  ...CREATED_BY,
};

/** A resource in the document. */
export const EXAMPLE_RESOURCE = {
  id: '7acf4bc8-81de-5932-ab59-eda92e59b49a',
  type: 'generic',
  original_resource_id: 'server-1',
  ...CREATED_BY,
  user_id: null,
  project_id: null,
  started_at: '2026-03-02T12:00:00+00:00',
  ended_at: null,
  revision_start: '2026-03-02T12:00:00+00:00',
  revision_end: null,
  metrics: { cpu: '4c964d57-9d67-4c49-bc61-d48d15b705c6' },
};
