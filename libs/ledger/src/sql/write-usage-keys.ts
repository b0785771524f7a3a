import { pgArray } from '@quipu/platform';
import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { smallints, texts, uuids } from '../storage/columns.js';
import { type UsageKey } from '../storage/usage-keys.js';

/** Inserts usage keys that the table may not have yet; a key never changes, so one that is there stays. */
export function writeUsageKeys(schema: LedgerSchema, keys: readonly UsageKey[]): Statement {
  const column = (
    name: 'tenant' | 'user' | 'queue' | 'cluster' | 'template' | 'provider' | 'hardware' | 'image',
  ) => texts(keys.map((key) => key.dims[name]));
  return {
    name: 'usage_keys',
    text: `
      INSERT INTO ${schema}.usage_keys
        (key_id, grain, tenant, user_id, queue, cluster, template, provider, hardware, image, services)
      SELECT x.key_id, x.grain, x.tenant, x.user_id, x.queue, x.cluster, x.template, x.provider, x.hardware,
             x.image, x.services::text[]
      FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                  $8::text[], $9::text[], $10::text[], $11::text[])
        AS x (key_id, grain, tenant, user_id, queue, cluster, template, provider, hardware, image, services)
      ON CONFLICT DO NOTHING`,
    values: [
      uuids(keys),
      smallints(keys.map((key) => key.grain)),
      column('tenant'),
      column('user'),
      column('queue'),
      column('cluster'),
      column('template'),
      column('provider'),
      column('hardware'),
      column('image'),
      texts(keys.map((key) => pgArray(key.dims.services))),
    ],
  };
}
