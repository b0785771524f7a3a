import { TenantDirectory } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { createIoSteps, createLogger, createPool, systemClock } from '@quipu/platform';
import { Ingest } from '../../apps/projector/src/ingest/ingest.js';

/** An ingest alone in a process, which may be killed at a numbered I/O step. Says when its first job is done. */
const [databaseUrl, redisUrl] = process.argv.slice(2);
if (databaseUrl === undefined || redisUrl === undefined)
  throw new Error('usage: ingest-child DATABASE REDIS');
const pool = createPool(databaseUrl);
const io = createIoSteps();
const ingest = new Ingest({
  redisUrl,
  log: new EventLog(pool, io),
  tenants: new TenantDirectory(pool),
  tenantMode: 'auto',
  maxEventAgeDays: 400,
  clock: systemClock,
  logger: createLogger('child', 'silent'),
  io,
  lockMs: 500,
  concurrency: 20,
  onCompleted: () => process.stdout.write('.'),
});
ingest.start();
process.on('SIGTERM', () => void ingest.stop().then(() => pool.end()));
