import type { ArchiveMetric, ArchivePolicy, ArchiveResource, ArchiveRule } from '@quipu/archive';
import { durationText, instantText } from '../forms/durations.js';
import type { PlainValue } from '../forms/plain-value.js';

type PlainObject = Readonly<Record<string, PlainValue>>;

/** A policy as the dialect shows it. */
export function policyObject({
  name,
  backWindow,
  definition,
  aggregationMethods,
}: ArchivePolicy): PlainObject {
  return {
    name,
    back_window: backWindow,
    definition: definition.map(({ granularityNs, points, timespanNs }) => ({
      granularity: durationText(granularityNs),
      points,
      timespan: timespanNs === null ? null : durationText(timespanNs),
    })),
    aggregation_methods: aggregationMethods,
  };
}

/** A rule as the dialect shows it. */
export function ruleObject({ name, policy, pattern }: ArchiveRule): PlainObject {
  return { name, archive_policy_name: policy, metric_pattern: pattern };
}

/** Who made something: the creator, and its parts around the first colon. */
export function creatorMembers(creator: string): PlainObject {
  const [user = '', ...project] = creator.split(':');
  return { creator, created_by_user_id: user, created_by_project_id: project.join(':') };
}

function metricMembers({
  id,
  name,
  unit,
  creator,
}: Pick<ArchiveMetric, 'id' | 'name' | 'unit' | 'creator'>): PlainObject {
  return { id, name, unit, ...creatorMembers(creator) };
}

/** A metric in a list: its policy in full, its resource by id. */
export function listedMetric(metric: ArchiveMetric): PlainObject {
  return {
    ...metricMembers(metric),
    archive_policy: policyObject(metric.policy),
    resource_id: metric.resourceId,
  };
}

/** A metric on its own: policy and resource in full. */
export function wholeMetric(metric: ArchiveMetric, resource: ArchiveResource | null): PlainObject {
  return {
    ...metricMembers(metric),
    archive_policy: policyObject(metric.policy),
    resource: resource === null ? null : resourceMembers(resource),
  };
}

/** A metric that was just made. */
export function madeMetric(
  metric: Pick<ArchiveMetric, 'id' | 'name' | 'unit' | 'creator' | 'resourceId'>,
  policy: string,
): PlainObject {
  return { ...metricMembers(metric), resource_id: metric.resourceId, archive_policy_name: policy };
}

function resourceMembers(resource: ArchiveResource): PlainObject {
  return {
    id: resource.id,
    type: resource.type,
    original_resource_id: resource.originalId,
    ...creatorMembers(resource.creator),
    user_id: resource.userId,
    project_id: resource.projectId,
    started_at: instantText(resource.startedUs),
    ended_at: resource.endedUs === null ? null : instantText(resource.endedUs),
    revision_start: instantText(resource.revisionStartUs),
    revision_end: null,
  };
}

/** A resource with its metrics. @param only names of the members that are asked for; none: all. */
export function resourceObject(resource: ArchiveResource, only: readonly string[] = []): PlainObject {
  const members = { ...resourceMembers(resource), metrics: resource.metrics };
  if (only.length === 0) return members;
  return Object.fromEntries(Object.entries(members).filter(([key]) => only.includes(key)));
}
