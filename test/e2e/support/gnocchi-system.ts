import { MeasuresWriter } from '@quipu/archive';
import { createLogger, createPool, WRITER_SESSION } from '@quipu/platform';
import type { Response } from 'light-my-request';
import { MeasuresConsumer } from '../../../apps/projector/src/measures/measures-consumer.js';
import { MeasuresUpkeep } from '../../../apps/projector/src/measures/measures-upkeep.js';
import { startTestSystem, type TestSystem, type TestSystemOptions } from './test-system.js';

/** Who sends a request, by name and password; null: nobody. */
export type Credentials = readonly [user: string, password: string] | null;

/** A request of the dialect. */
export interface GnocchiRequest {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'HEAD' | 'OPTIONS';
  readonly path: string;
  readonly as?: Credentials;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A whole Quipu with the consumer of measures. */
export interface GnocchiSystem extends TestSystem {
  /** Sends a request; a body goes as JSON unless it is a text or bytes. */
  ask(request: GnocchiRequest): Promise<Response>;
}

/** Starts a system for clients of the Gnocchi dialect; `stop` it in the end. */
export async function startGnocchiSystem(options: TestSystemOptions = {}): Promise<GnocchiSystem> {
  const env = { QUIPU_REQUESTS_PER_KEY: '0', QUIPU_REQUESTS_PER_ADDRESS: '0', ...options.env };
  const system = await startTestSystem({ ...options, env });
  const pool = createPool(system.databaseUrl, { session: WRITER_SESSION });
  const logger = createLogger('e2e', 'silent');
  const { clock, redisUrl } = system;
  const writer = new MeasuresWriter({ pool, clock, logger });
  const upkeep = new MeasuresUpkeep({ pool, writer, clock, logger, pendingMs: 50 });
  const consumer = new MeasuresConsumer({ redisUrl, writer, upkeep, logger });
  consumer.start();
  return {
    ...system,
    ask({ method = 'GET', path, as = ['admin', ''], body, headers = {} }) {
      const credentials = as === null ? null : Buffer.from(`${as[0]}:${as[1]}`).toString('base64');
      return system.request({
        method,
        url: path,
        headers: {
          accept: 'application/json',
          ...(credentials === null ? {} : { authorization: `Basic ${credentials}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
      });
    },
    async stop() {
      await consumer.stop();
      await pool.end();
      await system.stop();
    },
  };
}
