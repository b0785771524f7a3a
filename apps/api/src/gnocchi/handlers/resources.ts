import { createHash } from 'node:crypto';
import {
  type ArchiveMetric,
  type ArchiveResource,
  CatalogueError,
  markerOf,
  mayUse,
  RESOURCE_SORT_KEYS,
} from '@quipu/archive';
import { instantText } from '../forms/durations.js';
import { GnocchiError, notServed } from '../forms/gnocchi-error.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import { parseUuid, ResourceIdError, resourceUuid } from '../input/uuids.js';
import { linkTo } from './link.js';
import { takeMeasures, tellMeasures } from './measures.js';
import { withResource } from './metrics.js';
import { listedMetric, resourceObject } from './objects.js';
import { METRICS, resourceSchema, splitMetrics } from './resource-input.js';

/** The one type of resources that there is. */
const GENERIC = 'generic';
const STANDARD_SORT = ['revision_start:asc', 'started_at:asc'];

/** `GET /v1/resource` */
export function listTypes(_: GnocchiArchive, { base }: GnocchiCall): Promise<GnocchiAnswer> {
  return Promise.resolve({ status: 200, value: { [GENERIC]: `${base}/resource/${GENERIC}` } });
}

/** `POST /v1/resource/generic` */
export async function createResource(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  needGeneric(call);
  const { principal } = call.caller;
  const nowMs = archive.clock.now();
  const body = await call.body(resourceSchema(principal.name, nowMs));
  const nowUs = BigInt(nowMs) * 1000n;
  const startedUs = body.started_at ?? nowUs;
  const endedUs = body.ended_at ?? null;
  if (endedUs !== null && endedUs < startedUs) {
    throw new GnocchiError(400, 'Start timestamp cannot be after end timestamp');
  }
  const named = await splitMetrics(archive.rules, body.metrics ?? []);
  const created = archive.resources.create(
    {
      ...{ tenant: principal.tenantId, creator: principal.name, type: GENERIC },
      ...{ id: body.id.id, originalId: body.id.original },
      ...{ userId: body.user_id ?? null, projectId: body.project_id ?? null },
      ...{ startedUs, endedUs, revisionStartUs: nowUs },
      ...named,
    },
    nowMs,
  );
  const resource = await created.catch(badMetrics);
  const headers = { ...tags(resource), location: `${call.base}/resource/${GENERIC}/${resource.id}` };
  return { status: 201, value: resourceObject(resource), headers };
}

/** `GET /v1/resource/generic` */
export async function listResources(
  { resources }: GnocchiArchive,
  call: GnocchiCall,
): Promise<GnocchiAnswer> {
  needGeneric(call);
  const { query, caller } = call;
  query.flag('details', false);
  if (query.flag('history', false)) throw notServed('the history of resources');
  const page = query.page(RESOURCE_SORT_KEYS, STANDARD_SORT);
  if (page.marker !== undefined && parseUuid(page.marker.split('@', 1)[0]!) === null) {
    throw new GnocchiError(400, `Invalid pagination: \`Invalid marker: \`${page.marker}''`);
  }
  const { resources: rows, mayGoOn } = await resources.list(caller.scope, page);
  const last = rows.at(-1);
  const next = mayGoOn && last !== undefined;
  const headers = next ? linkTo(call, query.next(page, markerOf(last, caller.scope))) : {};
  const only = query.all('attrs');
  return { status: 200, value: rows.map((row) => resourceObject(row, only)), headers };
}

/** `GET /v1/resource/generic/<id>` */
export async function getResource(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const resource = await usableResource(archive, call);
  const unchanged = precondition(call, resource);
  const headers = tags(resource);
  return unchanged ? { status: 304, headers } : { status: 200, value: resourceObject(resource), headers };
}

/** `DELETE /v1/resource/generic/<id>` */
export async function deleteResource(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const resource = await usableResource(archive, call);
  precondition(call, resource);
  await archive.resources.remove(resource);
  return { status: 204 };
}

/** `GET /v1/resource/generic/<id>/metric` */
export async function listNamed(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { tenant, id } = await usableResource(archive, call);
  return { status: 200, value: (await archive.metrics.ofResource(tenant, id)).map(listedMetric) };
}

/** `POST /v1/resource/generic/<id>/metric` */
export async function addNamed(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { tenant, id } = await usableResource(archive, call);
  const named = await splitMetrics(archive.rules, await call.body(METRICS));
  const owner = { tenant, creator: call.caller.principal.name };
  await archive.resources.addMetrics(owner, id, named, archive.clock.now()).catch(badMetrics);
  return { status: 200, value: (await archive.metrics.ofResource(tenant, id)).map(listedMetric) };
}

/** `GET /v1/resource/generic/<id>/metric/<name>` */
export async function getNamed(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return { status: 200, value: await withResource(archive, await namedMetric(archive, call)) };
}

/** `DELETE /v1/resource/generic/<id>/metric/<name>` */
export async function deleteNamed(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  await archive.metrics.remove(await namedMetric(archive, call));
  return { status: 204 };
}

/** `POST /v1/resource/generic/<id>/metric/<name>/measures` */
export async function postNamedMeasures(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return takeMeasures(archive, call, await namedMetric(archive, call));
}

/** `GET /v1/resource/generic/<id>/metric/<name>/measures` */
export async function getNamedMeasures(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return tellMeasures(archive, call, await namedMetric(archive, call));
}

/** @throws GnocchiError (404) for a type that does not exist. */
function needGeneric(call: GnocchiCall): void {
  const type = call.name();
  if (type !== GENERIC) throw new GnocchiError(404, `Resource type ${type} does not exist`);
}

/** Looks for the type of resources that the path names. @throws GnocchiError (404) */
export function knownType(_: GnocchiArchive, call: GnocchiCall): Promise<void> {
  needGeneric(call);
  return Promise.resolve();
}

/** The resource that the path names. */
async function knownResource({ resources }: GnocchiArchive, call: GnocchiCall): Promise<ArchiveResource> {
  needGeneric(call);
  const { principal, scope } = call.caller;
  const id = idOf(call.name(1), principal.name);
  const resource = await resources.find(scope, id);
  if (resource === null) throw CatalogueError.noSuchResource(id);
  return resource;
}

function idOf(name: string, creator: string): string {
  try {
    return resourceUuid(name, creator);
  } catch (error) {
    if (error instanceof ResourceIdError) throw CatalogueError.noSuchResource(name);
    throw error;
  }
}

async function usableResource(archive: GnocchiArchive, call: GnocchiCall): Promise<ArchiveResource> {
  const resource = await knownResource(archive, call);
  if (!mayUse(call.caller.scope, resource)) throw new GnocchiError(403, '');
  return resource;
}

/** The metric that the path names on its resource. @throws GnocchiError, CatalogueError for what is not there. */
export async function knownNamed(archive: GnocchiArchive, call: GnocchiCall): Promise<ArchiveMetric> {
  const { tenant, id } = await knownResource(archive, call);
  const name = call.name(2);
  const [metric] = await archive.metrics.named(tenant, [{ resourceId: id, name }]);
  if (metric === undefined) throw CatalogueError.noSuchMetric(name);
  return metric;
}

async function namedMetric(archive: GnocchiArchive, call: GnocchiCall): Promise<ArchiveMetric> {
  const metric = await knownNamed(archive, call);
  if (!mayUse(call.caller.scope, metric)) throw new GnocchiError(403, '');
  return metric;
}

/** What a body names and is not there, is the body's fault. */
function badMetrics(error: unknown): never {
  const named =
    error instanceof CatalogueError && ['no-such-policy', 'no-such-metric'].includes(error.refusal);
  throw named ? new GnocchiError(400, error.message) : error;
}

function etagOf({ id, revisionStartUs }: ArchiveResource): string {
  return createHash('sha1').update(id).update(instantText(revisionStartUs)).digest('hex');
}

function tags(resource: ArchiveResource): Record<string, string> {
  return {
    etag: `"${etagOf(resource)}"`,
    'last-modified': new Date(modifiedMs(resource)).toUTCString(),
  };
}

function modifiedMs({ revisionStartUs }: ArchiveResource): number {
  return Number(revisionStartUs / 1_000_000n) * 1000;
}

/**
 * Looks at the conditions of a request. True if a GET asks for what it already has.
 * @throws GnocchiError (412)
 */
function precondition({ request }: GnocchiCall, resource: ArchiveResource): boolean {
  const { headers, method } = request;
  const etag = etagOf(resource);
  const has = (list: string): boolean =>
    list.trim() === '*' || list.split(',').some((each) => each.trim().replace(/^W\//, '') === `"${etag}"`);
  const since = (header: string | undefined): number => Date.parse(header ?? '');
  const failed = new GnocchiError(412, '');
  const match = headers['if-match'];
  if (match !== undefined ? !has(match) : since(headers['if-unmodified-since']) < modifiedMs(resource)) {
    throw failed;
  }
  const noneMatch = headers['if-none-match'];
  const unchanged =
    noneMatch !== undefined
      ? has(noneMatch)
      : method === 'GET' && since(headers['if-modified-since']) >= modifiedMs(resource);
  if (unchanged && method !== 'GET') throw failed;
  return unchanged;
}
