import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { MetricPoint } from './points.js';

/** Groups that tenants are divided into: enough that who reads one tenant reads little else. */
const TENANT_SHARDS = 64;
const TENANT_PREFIX = 'tenant/';
/** The shard of everything that is no tenant's. */
const COMMON = 'common';

/** The shard that the points of an id are in. */
export function shardOf(id: string): string {
  if (!id.startsWith(TENANT_PREFIX)) return COMMON;
  return `t${createHash('sha1').update(id).digest()[0]! % TENANT_SHARDS}`;
}

/**
 * The points of a generation as they are kept: per shard, compressed, the lines that an answer is made of. Whoever may
 * see everything is answered without parsing, whoever sees one tenant from the one shard that it is in.
 */
export function packPoints(points: readonly MetricPoint[], timestamp: number): Map<string, Buffer> {
  const lines = new Map<string, string[]>([[COMMON, []]]);
  let [last, into]: [string | null, string[]] = [null, []];
  for (const { id, metric, type, value } of points) {
    if (id !== last) {
      const shard = shardOf(id);
      into = lines.get(shard) ?? [];
      lines.set(shard, into);
      last = id;
    }
    into.push(JSON.stringify({ id, metric, timestamp, type, value }));
  }
  return new Map([...lines].map(([shard, of]) => [shard, deflateRawSync(of.join('\n'), { level: 3 })]));
}

/** The lines of a shard, each a point as JSON; those of one id if it is given. */
export function unpackLines(packed: Buffer, id?: string): string[] {
  const text = inflateRawSync(packed).toString('utf8');
  if (text === '') return [];
  const lines = text.split('\n');
  return id === undefined ? lines : lines.filter((line) => (JSON.parse(line) as MetricPoint).id === id);
}
