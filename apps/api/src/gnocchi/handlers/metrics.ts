import { randomUUID } from 'node:crypto';
import {
  type ArchiveMetric,
  CatalogueError,
  mayUse,
  METRIC_SORT_KEYS,
  type MetricFilters,
} from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import { Invalid, objectOf, optional, type Schema, text } from '../input/schema.js';
import { parseUuid, ResourceIdError, resourceUuid } from '../input/uuids.js';
import { linkTo } from './link.js';
import { METRIC_MEMBERS, policiesOf } from './metric-input.js';
import { listedMetric, madeMetric, wholeMetric } from './objects.js';

/** The id of the resource that a caller calls by a text. */
export function resourceIdSchema(creator: string): Schema<{ id: string; original: string }> {
  return (value, path) => {
    const original = text(value, path);
    try {
      return { id: resourceUuid(original, creator), original };
    } catch (error) {
      if (error instanceof ResourceIdError) throw new Invalid(error.message, path);
      throw error;
    }
  };
}

/** The metric that the path names. @throws CatalogueError (no-such-metric) */
export async function knownMetric({ metrics }: GnocchiArchive, call: GnocchiCall): Promise<ArchiveMetric> {
  const asked = call.name();
  const id = parseUuid(asked);
  if (id === null) throw CatalogueError.noSuchMetric(asked);
  const metric = await metrics.findOne(call.caller.scope, id);
  if (metric === null) throw CatalogueError.noSuchMetric(asked);
  return metric;
}

/**
 * The metric that the path names, which the caller may use.
 * @throws GnocchiError (403), CatalogueError (no-such-metric)
 */
export async function usableMetric(archive: GnocchiArchive, call: GnocchiCall): Promise<ArchiveMetric> {
  const metric = await knownMetric(archive, call);
  if (!mayUse(call.caller.scope, metric)) throw new GnocchiError(403, '');
  return metric;
}

/** `POST /v1/metric` */
export async function createMetric(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { principal, scope } = call.caller;
  const schema = objectOf({ ...METRIC_MEMBERS, resource_id: optional(resourceIdSchema(principal.name)) });
  const body = await call.body(schema);
  const [policy] = (await policiesOf(archive.rules, [body])) as [string];
  let tenant = principal.tenantId;
  if (body.resource_id !== undefined) {
    if (body.name === undefined) {
      const reason = 'Name cannot be null if resource_id is not null';
      throw GnocchiError.argument('name', reason, 'Attribute value error');
    }
    const { id } = body.resource_id;
    const resource = await archive.resources.find(scope, id);
    if (resource === null) throw CatalogueError.noSuchResource(id);
    if (!mayUse(scope, resource)) throw new GnocchiError(403, '');
    ({ tenant } = resource);
  }
  const metric = {
    id: randomUUID(),
    tenant,
    creator: principal.name,
    name: body.name ?? null,
    unit: body.unit ?? null,
    resourceId: body.resource_id?.id ?? null,
    policy,
  };
  try {
    await archive.metrics.create([metric], archive.clock.now());
  } catch (error) {
    if (!(error instanceof CatalogueError)) throw error;
    if (error.refusal === 'no-such-policy') throw new GnocchiError(400, error.message);
    if (error.refusal !== 'metric-exists') throw error;
    throw new GnocchiError(400, { cause: 'Named metric already exists', detail: error.subject });
  }
  const location = `${call.base}/metric/${metric.id}`;
  return { status: 201, value: madeMetric(metric, policy), headers: { location } };
}

/** `GET /v1/metric/<id>` */
export async function getMetric(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return { status: 200, value: await withResource(archive, await usableMetric(archive, call)) };
}

/** A metric on its own, with its resource. */
export async function withResource(
  { resources }: GnocchiArchive,
  metric: ArchiveMetric,
): Promise<ReturnType<typeof wholeMetric>> {
  const { tenant, resourceId } = metric;
  return wholeMetric(metric, resourceId === null ? null : await resources.get(tenant, resourceId));
}

/** `DELETE /v1/metric/<id>` */
export async function deleteMetric(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  await archive.metrics.remove(await usableMetric(archive, call));
  return { status: 204 };
}

/** `GET /v1/metric` */
export async function listMetrics({ metrics }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { query, caller } = call;
  const [status = 'active', ...statuses] = query.all('status');
  if ((status !== 'active' && status !== 'delete') || statuses.length > 0) {
    throw wrongFilter('status', 'not a valid value');
  }
  const page = query.page(METRIC_SORT_KEYS, ['id:asc']);
  if (page.marker !== undefined) {
    const marker = parseUuid(page.marker);
    if (marker === null)
      throw new GnocchiError(400, `Invalid pagination: \`Invalid marker: \`${page.marker}''`);
    Object.assign(page, { marker });
  }
  const filters = filtersOf(call);
  // A metric that was deleted is gone at once, with all that was measured.
  if (filters === null || status === 'delete') return { status: 200, value: [] };
  const rows = await metrics.list(caller.scope, filters, page);
  const headers = rows.length < page.limit ? {} : linkTo(call, query.next(page, rows.at(-1)!.id));
  return { status: 200, value: rows.map(listedMetric), headers };
}

function wrongFilter(name: string, what: string): GnocchiError {
  return new GnocchiError(400, `Invalid input: ${what} for dictionary value @ data['${name}']`);
}

/** Null if nothing can have what is asked for. */
function filtersOf({ query }: GnocchiCall): MetricFilters | null {
  const filters: MetricFilters = {};
  for (const name of ['name', 'unit', 'archive_policy_name', 'creator', 'user_id', 'project_id', 'id']) {
    if (query.all(name).length > 1) throw wrongFilter(name, 'expected str');
  }
  for (const key of ['name', 'unit', 'archive_policy_name', 'creator'] as const) {
    const value = query.one(key);
    if (value !== undefined) filters[key] = value;
  }
  const [user, project] = [query.one('user_id'), query.one('project_id')];
  if (user !== undefined || project !== undefined) filters.creator = `${user ?? ''}:${project ?? ''}`;
  const asked = query.one('id');
  if (asked === undefined) return filters;
  const id = parseUuid(asked);
  return id === null ? null : { ...filters, id };
}
