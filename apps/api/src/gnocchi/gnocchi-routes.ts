import { notServed } from './forms/gnocchi-error.js';
import type { GnocchiArchive } from './gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from './gnocchi-call.js';
import { getAggregation, postAggregation } from './handlers/aggregation.js';
import { postMetricsBatch, postResourcesBatch } from './handlers/batch.js';
import { getMeasures, postMeasures } from './handlers/measures.js';
import { createMetric, deleteMetric, getMetric, knownMetric, listMetrics } from './handlers/metrics.js';
import * as policies from './handlers/policies.js';
import * as resources from './handlers/resources.js';
import { getCapabilities, getStatus, getVersion } from './handlers/root.js';
import * as rules from './handlers/rules.js';

/** Answers one method of one path. */
export type GnocchiHandler = (archive: GnocchiArchive, call: GnocchiCall) => Promise<GnocchiAnswer>;

/** What is served at one path. */
export interface GnocchiRoute {
  /** As documented: `metric/<id>/measures`. */
  readonly path: string;
  readonly methods: Readonly<Record<string, GnocchiHandler>>;
  /**
   * Looks for what the path names. What is not there is not found, also by a method that is not served, or by a client
   * that does not take JSON.
   */
  readonly find?: (archive: GnocchiArchive, call: GnocchiCall) => Promise<unknown>;
  /** Serves also those who do not say who they are. */
  readonly isOpen?: boolean;
}

const UNSERVED = new WeakSet<GnocchiHandler>();

/** Answers 501. @param what is not served. */
function unserved(what: string): GnocchiHandler {
  const handler: GnocchiHandler = () => Promise.reject(notServed(what));
  UNSERVED.add(handler);
  return handler;
}

const RESOURCE_CHANGES = unserved('changes of resources');
const BULK_DELETION = unserved('the deletion of resources by a filter');
const ALGEBRA = unserved('the algebra of aggregates');
const TYPES = unserved('resource types');

/** Every path of the dialect below its version. `<…>` is any one part of a path. */
export const GNOCCHI_ROUTES: readonly GnocchiRoute[] = [
  { path: '', methods: { GET: getVersion }, isOpen: true },
  { path: 'capabilities', methods: { GET: getCapabilities }, isOpen: true },
  { path: 'status', methods: { GET: getStatus } },
  { path: 'archive_policy', methods: { GET: policies.listPolicies, POST: policies.createPolicy } },
  {
    path: 'archive_policy/<name>',
    methods: { GET: policies.getPolicy, PATCH: policies.changePolicy, DELETE: policies.deletePolicy },
  },
  { path: 'archive_policy_rule', methods: { GET: rules.listRules, POST: rules.createRule } },
  {
    path: 'archive_policy_rule/<name>',
    methods: { GET: rules.getRule, PATCH: rules.renameRule, DELETE: rules.deleteRule },
    find: rules.knownRule,
  },
  { path: 'metric', methods: { GET: listMetrics, POST: createMetric } },
  { path: 'metric/<id>', methods: { GET: getMetric, DELETE: deleteMetric }, find: knownMetric },
  { path: 'metric/<id>/measures', methods: { GET: getMeasures, POST: postMeasures }, find: knownMetric },
  { path: 'batch/metrics/measures', methods: { POST: postMetricsBatch } },
  { path: 'batch/resources/metrics/measures', methods: { POST: postResourcesBatch } },
  { path: 'aggregation/metric', methods: { GET: getAggregation, POST: postAggregation } },
  { path: 'resource', methods: { GET: resources.listTypes }, isOpen: true },
  {
    path: 'resource/<type>',
    methods: { GET: resources.listResources, POST: resources.createResource, DELETE: BULK_DELETION },
    find: resources.knownType,
  },
  {
    path: 'resource/<type>/<id>',
    methods: { GET: resources.getResource, DELETE: resources.deleteResource, PATCH: RESOURCE_CHANGES },
    find: resources.knownType,
  },
  { path: 'resource/<type>/<id>/history', methods: { GET: unserved('the history of resources') } },
  {
    path: 'resource/<type>/<id>/metric',
    methods: { GET: resources.listNamed, POST: resources.addNamed },
    find: resources.knownType,
  },
  {
    path: 'resource/<type>/<id>/metric/<name>',
    methods: { GET: resources.getNamed, DELETE: resources.deleteNamed },
    find: resources.knownNamed,
  },
  {
    path: 'resource/<type>/<id>/metric/<name>/measures',
    methods: { GET: resources.getNamedMeasures, POST: resources.postNamedMeasures },
    find: resources.knownNamed,
  },
  { path: 'aggregates', methods: { POST: ALGEBRA } },
  {
    path: 'aggregation/resource/<type>/metric/<name>',
    methods: { POST: unserved('aggregation by resource') },
  },
  { path: 'aggregation/resource/<type>/metric', methods: {} },
  { path: 'resource_type', methods: { GET: TYPES, POST: TYPES } },
  { path: 'resource_type/<name>', methods: { GET: TYPES, PATCH: TYPES, DELETE: TYPES } },
  { path: 'search/resource/<type>', methods: { POST: unserved('searches of resources') } },
  { path: 'search/metric', methods: { POST: unserved('searches of measures') } },
  { path: 'influxdb/ping', methods: { GET: unserved('the InfluxDB protocol') } },
  {
    path: 'influxdb/query',
    methods: { GET: unserved('the InfluxDB protocol'), POST: unserved('the InfluxDB protocol') },
  },
  { path: 'influxdb/write', methods: { POST: unserved('the InfluxDB protocol') } },
  { path: 'prometheus/write', methods: { POST: unserved('remote write of Prometheus') } },
];

/** A route, and what stands in the open parts of the path. */
export interface FoundRoute {
  readonly route: GnocchiRoute;
  readonly names: readonly string[];
}

const COMPILED = GNOCCHI_ROUTES.map((route) => ({
  route,
  parts: route.path.split('/').filter((part) => part !== ''),
}));

/** The route of a path; doubled slashes and one at the end say nothing. Null: there is none. */
export function findRoute(path: string): FoundRoute | null {
  const given = path.split('/').filter((part) => part !== '');
  for (const { route, parts } of COMPILED) {
    if (parts.length !== given.length) continue;
    const names: string[] = [];
    const fits = parts.every((part, i) => {
      if (!part.startsWith('<')) return part === given[i];
      names.push(given[i]!);
      return true;
    });
    if (fits) return { route, names };
  }
  return null;
}

/** What is served: method and path, open parts in braces. */
export function servedOperations(): string[] {
  return GNOCCHI_ROUTES.flatMap(({ path, methods }) =>
    Object.entries(methods)
      .filter(([, handler]) => !UNSERVED.has(handler))
      .map(([method]) => `${method} /v1/${path.replaceAll(/<(\w+)>/g, '{$1}')}`),
  );
}
