import { createLogger, loadConfig } from '@quipu/platform';
import { createApi } from '../../../apps/api/src/create-api.js';
import type { TestSystem } from './test-system.js';

/** One more API process of a system, as far as a test can tell: nothing is shared but Postgres and Redis. */
export type AnotherApi = Awaited<ReturnType<typeof createApi>>;

/** Starts another API of the same system; `close` it. @param env its configuration */
export async function anotherApi(
  { databaseUrl, redisUrl, clock }: TestSystem,
  env: Readonly<Record<string, string>> = {},
): Promise<AnotherApi> {
  const logger = createLogger('e2e', 'silent');
  const api = await createApi({ config: loadConfig({ ...env }), databaseUrl, redisUrl, clock, logger });
  await api.init();
  await api.getHttpAdapter().getInstance().ready();
  return api;
}
