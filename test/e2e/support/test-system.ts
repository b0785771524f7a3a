import { KeyStore, Principals, type Role, TenantDirectory } from '@quipu/access';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { createLedgerRunner } from '@quipu/ledger';
import {
  createLogger,
  createPool,
  createRedis,
  loadConfig,
  ManualClock,
  WRITER_SESSION,
} from '@quipu/platform';
import { LEDGER_PROJECTION } from '@quipu/ledger';
import { readCheckpoint } from '@quipu/projection-engine';
import { Queue } from 'bullmq';
import type { InjectOptions, Response } from 'light-my-request';
import { createApi } from '../../../apps/api/src/create-api.js';
import { Ingest } from '../../../apps/projector/src/ingest/ingest.js';
import { testDatabase, testRedis } from '../../support/index.js';

/** An event as a reporter sends it; what is left out is filled in. `time` in ms. */
export interface SentEvent {
  readonly type: string;
  readonly tenant: string;
  readonly subject: string;
  readonly time: number;
  readonly dataversion?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A whole Quipu in this process: real Postgres, Redis, queue, ingest, projection and API, and a clock that stands. */
export interface TestSystem {
  readonly clock: ManualClock;
  readonly keys: KeyStore;
  readonly tenants: TenantDirectory;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly log: EventLog;
  readonly ingest: Ingest;
  readonly queue: Queue;
  /** Makes a principal with a key and returns the key. */
  principal(tenantId: string, name: string, role: Role, sourcePrefix?: string): Promise<string>;
  /** Puts events on the queue, as a backfill, and waits until every one of them is in the numbers. */
  report(events: readonly SentEvent[]): Promise<void>;
  request(options: InjectOptions): Promise<Response>;
  /** Lets the API listen on a free port; its address. */
  listen(): Promise<string>;
  stop(): Promise<void>;
}

let serial = 0;

/** What a test may want otherwise. */
export interface TestSystemOptions {
  /** Where the clock stands, ms. */
  readonly now?: number;
  /** Variables of the API's configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** How late the Proxmox dialect refuses who is nobody, ms. */
  readonly refusalMs?: number;
  /** Another way to Redis for the API. */
  readonly apiRedisUrl?: (redisUrl: string) => Promise<string>;
}

/** Starts a system of its own; `stop` it in the end. */
export async function startTestSystem(options: TestSystemOptions = {}): Promise<TestSystem> {
  const database = await testDatabase();
  const store = await testRedis();
  const logger = createLogger('e2e', 'silent');
  const clock = new ManualClock(options.now ?? Date.now());
  const writer = createPool(database.url, { session: WRITER_SESSION });
  const log = new EventLog(writer);
  const tenants = new TenantDirectory(writer, clock);
  const keys = new KeyStore(writer, clock);
  const totals = createRedis(store.url, 'producer');
  const runner = createLedgerRunner({
    databaseUrl: database.url,
    redis: totals,
    log,
    clock,
    logger,
    pollMs: 200,
  });
  const ingest = new Ingest({
    redisUrl: store.url,
    log,
    tenants,
    tenantMode: 'auto',
    maxEventAgeDays: 400,
    clock,
    logger,
  });
  const api = await createApi({
    config: loadConfig({ ...options.env }),
    databaseUrl: database.url,
    redisUrl: (await options.apiRedisUrl?.(store.url)) ?? store.url,
    clock,
    logger,
    ...(options.refusalMs === undefined ? {} : { refusalMs: options.refusalMs }),
  });
  const connection = createRedis(store.url, 'plain');
  const queue = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
  await tenants.ensure(['superadmin'], 'auto');
  runner.start();
  ingest.start();
  await api.init();
  await api.getHttpAdapter().getInstance().ready();

  return {
    clock,
    keys,
    tenants,
    databaseUrl: database.url,
    redisUrl: store.url,
    log,
    ingest,
    queue,
    async principal(tenantId, name, role, sourcePrefix) {
      const bound = sourcePrefix === undefined ? {} : { sourcePrefix };
      await new Principals(writer, clock).createPrincipal({ tenantId, name, role, ...bound });
      return (await keys.createKey({ tenantId, name })).secret;
    },
    async report(events) {
      const source = `e2e-${process.pid}`;
      const sent = events.map((event) => ({
        specversion: '1.0',
        id: String(serial++),
        source,
        ...event,
        time: new Date(event.time).toISOString(),
        data: event.data ?? {},
      }));
      await queue.add('events', { events: sent, import: true });
      await waitUntil(async () => {
        const known = await log.knownIdentities(sent.map(({ tenant, id }) => ({ tenant, source, id })));
        if (known.includes(false)) return false;
        const head = await log.head();
        return ((await readCheckpoint(writer, LEDGER_PROJECTION))?.position ?? 0n) >= head.position;
      });
    },
    request: (request) => api.inject(request),
    async listen() {
      await api.listen(0, '127.0.0.1');
      return api.getUrl();
    },
    async stop() {
      await api.close();
      await ingest.stop();
      await runner.stop();
      await queue.close();
      connection.disconnect();
      totals.disconnect();
      await writer.end();
      await store.release();
      await database.drop();
    },
  };
}

/** Waits for a condition, 50 s at most. */
async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 50_000; performance.now() < deadline;) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('waited for 50 s in vain');
}
