import { randomUUID } from 'node:crypto';
import { type ArchiveMetric, CatalogueError, mayUse, type Owner, type Points } from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import { MeasureCount, measuresSchema } from '../input/measures.js';
import { mapOf, objectOf, type Schema } from '../input/schema.js';
import { parseUuid, resourceUuid } from '../input/uuids.js';
import { METRIC_MEMBERS, policiesOf } from './metric-input.js';

/** Most metrics of one batch. */
const MAX_METRICS = 20_000;

/** `POST /v1/batch/metrics/measures` */
export async function postMetricsBatch(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const measures = measuresSchema(archive.clock.now(), new MeasureCount());
  const pairs = await call.body(
    mapOf(parseUuid, () => measures),
    { measures: true },
  );
  if (pairs.length > MAX_METRICS) throw tooManyMetrics();
  // A metric that is written in two ways counts once: its last measures.
  const body = new Map(pairs);
  const { scope } = call.caller;
  const found = await archive.metrics.find(scope, [...body.keys()]);
  const missing = [...body.keys()].filter((id) => !found.has(id)).sort();
  if (missing.length > 0) throw new GnocchiError(400, `Unknown metrics: ${missing.join(', ')}`);
  for (const metric of found.values()) needUse(call, metric);
  return take(archive, call, body);
}

/** Measures of one metric of a resource, and what the metric is if it has to be made. */
interface WrittenMeasures {
  readonly measures: Points;
  readonly archive_policy_name?: string | undefined;
  readonly unit?: string | undefined;
}

interface WrittenMetric extends WrittenMeasures {
  readonly resourceId: string;
  readonly name: string;
}

/** `POST /v1/batch/resources/metrics/measures` */
export async function postResourcesBatch(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { principal, scope } = call.caller;
  const create = call.query.flag('create_metrics', false);
  const originals = new Map<string, string>();
  const resources = await call.body(resourcesSchema(archive, principal.name, originals), { measures: true });
  const written = new Map<string, WrittenMetric>();
  for (const [resourceId, metrics] of resources) {
    for (const [name, measures] of metrics) {
      written.set(`${resourceId}/${name}`, { ...measures, resourceId, name });
    }
  }
  if (written.size > MAX_METRICS) throw tooManyMetrics();
  if (written.size === 0) return { status: 202 };
  const owners = await archive.resources.owners(scope, [
    ...new Set([...written.values()].map(({ resourceId }) => resourceId)),
  ]);
  let found = await namedMetrics(archive, owners, written);
  const missing = [...written].filter(([key]) => !found.has(key)).map(([, metric]) => metric);
  if (missing.length > 0) {
    if (!create) {
      const names = missing.map(({ resourceId, name }) => `${resourceId}/${name}`).sort();
      throw new GnocchiError(400, `Unknown metrics: ${names.join(', ')}`);
    }
    const unknown = [...new Set(missing.map(({ resourceId }) => resourceId))].filter((id) => !owners.has(id));
    if (unknown.length > 0) throw unknownResources(unknown, originals);
    for (const { resourceId } of missing) needUse(call, owners.get(resourceId)!);
    for (const metric of found.values()) needUse(call, metric);
    await createMissing(archive, principal.name, owners, missing);
    found = await namedMetrics(archive, owners, written);
  }
  const batch = new Map<string, Points>();
  for (const [key, { measures }] of written) {
    const metric = found.get(key);
    // Somebody has just deleted it.
    if (metric === undefined) throw new GnocchiError(400, `Unknown metrics: ${key}`);
    needUse(call, metric);
    batch.set(metric.id, measures);
  }
  return take(archive, call, batch);
}

function resourcesSchema({ clock }: GnocchiArchive, creator: string, originals: Map<string, string>) {
  const measures = measuresSchema(clock.now(), new MeasureCount());
  const described = objectOf({
    archive_policy_name: METRIC_MEMBERS.archive_policy_name,
    unit: METRIC_MEMBERS.unit,
    measures,
  });
  const either: Schema<WrittenMeasures> = (value, path) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? described(value, path)
      : { measures: measures(value, path) };
  const name = (text: string): string | null => (storable(text) ? text : null);
  const resource = (text: string): string | null => {
    // Too long a name for a resource is too long here.
    if (!storable(text) || text.includes('/')) return null;
    const id = resourceUuid(text, creator);
    originals.set(id, text);
    return id;
  };
  return mapOf(resource, () => mapOf(name, () => either));
}

function storable(text: string): boolean {
  return !text.includes('\0') && !/[\uD800-\uDFFF]/u.test(text) && [...text].length <= 255;
}

async function namedMetrics(
  { metrics }: GnocchiArchive,
  owners: ReadonlyMap<string, Owner>,
  written: ReadonlyMap<string, WrittenMetric>,
): Promise<Map<string, ArchiveMetric>> {
  const found = new Map<string, ArchiveMetric>();
  const byTenant = new Map<string | undefined, WrittenMetric[]>();
  for (const metric of written.values()) {
    const tenant = owners.get(metric.resourceId)?.tenant;
    const pairs = byTenant.get(tenant);
    if (pairs === undefined) byTenant.set(tenant, [metric]);
    else pairs.push(metric);
  }
  for (const [tenant, pairs] of byTenant) {
    if (tenant === undefined) continue;
    for (const metric of await metrics.named(tenant, pairs)) {
      found.set(`${metric.resourceId}/${metric.name}`, metric);
    }
  }
  return found;
}

async function createMissing(
  archive: GnocchiArchive,
  creator: string,
  owners: ReadonlyMap<string, Owner>,
  missing: readonly WrittenMetric[],
): Promise<void> {
  const policies = await policiesOf(archive.rules, missing);
  const made = missing.map(({ resourceId, name, unit }, i) => ({
    ...{ id: randomUUID(), tenant: owners.get(resourceId)!.tenant, creator },
    ...{ name, unit: unit ?? null, policy: policies[i]!, resourceId },
  }));
  try {
    await archive.metrics.create(made, archive.clock.now());
  } catch (error) {
    if (!(error instanceof CatalogueError)) throw error;
    if (error.refusal === 'no-such-policy') throw new GnocchiError(400, error.message);
    // Another request has made one of them meanwhile: what is still missing is made one by one.
    if (error.refusal !== 'metric-exists') throw error;
    for (const metric of made) await createUnlessMade(archive, metric);
  }
}

async function createUnlessMade(
  { metrics, clock }: GnocchiArchive,
  metric: Parameters<GnocchiArchive['metrics']['create']>[0][number],
): Promise<void> {
  try {
    await metrics.create([metric], clock.now());
  } catch (error) {
    if (!(error instanceof CatalogueError) || error.refusal !== 'metric-exists') throw error;
  }
}

async function take(
  { intake }: GnocchiArchive,
  { caller }: GnocchiCall,
  batch: ReadonlyMap<string, Points>,
): Promise<GnocchiAnswer> {
  const full = new Map([...batch].filter(([, { values }]) => values.length > 0));
  if (full.size > 0) await intake.add(full, caller.principal.tenantId);
  return { status: 202 };
}

function needUse({ caller }: GnocchiCall, owner: Owner): void {
  if (!mayUse(caller.scope, owner)) throw new GnocchiError(403, '');
}

function tooManyMetrics(): GnocchiError {
  return new GnocchiError(400, `A batch may have ${MAX_METRICS} metrics`);
}

function unknownResources(ids: readonly string[], originals: ReadonlyMap<string, string>): GnocchiError {
  const detail = ids.map((id) => ({ resource_id: id, original_resource_id: originals.get(id) ?? id }));
  return new GnocchiError(400, { cause: 'Unknown resources', detail });
}
