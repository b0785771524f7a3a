import { z } from 'zod';
import { type Data, define, PLATFORM_TENANT } from './definition.js';
import * as field from './fields.js';

const life = field.name(
  'Which life this is about, for reporters that can tell lives apart; absent: the nameless one.',
);

/** Fields of node events. */
export const nodeFields = {
  user: field.name('User it is held for.'),
  cluster: field.name('Cluster it belongs to; the second part of a subject `node/<cluster>/<id>` if absent.'),
  clusterTemplate: field.name('Template of that cluster.'),
  provider: field.name('Who provides it.'),
  hardwareType: field.name('Hardware type.'),
  imageType: field.name('Image type.'),
  services: field.names('Services on it. Filters only: a node with two services is one node.'),
  life,
};

/** Fields of worker events. */
export const workerFields = {
  type: field.name('Kind of worker, such as `external`, `celery`, `signing`.'),
  pool: field.name('Pool it belongs to.'),
  host: field.reference('host', 'Host it runs on.'),
  hostArchitecture: field.name('Architecture of its host.'),
  architectures: field.names('Architectures it can work for.'),
  concurrency: field.integer('Jobs it can hold at once.', 0, 1_000_000, 'jobs'),
  enabled: field.flag('Whether it may take jobs.'),
  life,
};

const poolFields = {
  provider: field.name('Who provides its instances.'),
  enabled: field.flag('Whether it may launch instances; true if absent.'),
  architectures: field.names('Architectures of its workers.'),
  maxInstances: field.count('Most instances at once.', 'instances'),
  runtimeLimit: field.seconds('Budget of instance up-time per calendar month.'),
};

const instanceFields = {
  pool: field.name('Pool it belongs to.'),
  worker: field.reference('worker', 'Worker that runs on it.'),
  provider: field.name('Who provides it.'),
  life,
};

const node = (summary: string) => define({ kind: 'node', summary, fields: nodeFields });
const worker = (summary: string) =>
  define({ kind: 'worker', summary, fields: workerFields, defaultTenant: PLATFORM_TENANT });
/** A loss that was told before there were estimated ones is one that somebody saw, whatever else its data said. */
function seen({ estimated: _, since: __, ...others }: Data): Data {
  return others;
}

const instance = (summary: string) =>
  define({ kind: 'instance', summary, fields: instanceFields, defaultTenant: PLATFORM_TENANT });

/** Nodes, workers, pools and their instances. */
export const fleetEvents = {
  'node.allocated': node('A node is held from now on.'),
  'node.released': node('The node is held no longer.'),
  'worker.registered': worker('A worker exists.'),
  'worker.updated': worker('Something about it changed.'),
  'worker.connected': worker('It is in touch.'),
  'worker.disconnected': worker('It left.'),
  'worker.heartbeat': worker('It is still in touch.'),
  'worker.lost': define({
    kind: 'worker',
    summary: 'It has not been heard of for too long.',
    fields: {
      ...workerFields,
      estimated: field.flag(
        'Nobody saw it go: it was last heard of at this time. A later sign of its life makes it void; false if absent.',
      ),
      since: field.moment(
        'Of an estimate: when the connection began that it ends, the time of its `worker.connected`.',
      ),
    },
    past: [{ schema: z.looseObject(workerFields), toNext: seen }],
    defaultTenant: PLATFORM_TENANT,
  }),
  'worker.retired': worker('It is gone for good.'),
  'worker_pool.set': define({
    kind: 'worker_pool',
    summary: 'A pool exists, and this is all that is known of it.',
    fields: poolFields,
    defaultTenant: PLATFORM_TENANT,
  }),
  'worker_pool.removed': define({
    kind: 'worker_pool',
    summary: 'The pool is gone for good.',
    fields: {},
    defaultTenant: PLATFORM_TENANT,
  }),
  'instance.launched': instance('An instance of a pool is up from now on.'),
  'instance.terminated': instance('The instance is down.'),
};
