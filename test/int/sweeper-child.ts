import { EventLog } from '@quipu/event-log';
import { createIoSteps, createLogger, createPool } from '@quipu/platform';
import { Sweeper } from '../../apps/projector/src/sweeper/sweeper.js';

/** A sweeper alone in a process, which may be killed or stopped at a numbered I/O step. */
const [databaseUrl, redisUrl, leaseMs] = process.argv.slice(2);
if (databaseUrl === undefined || redisUrl === undefined || leaseMs === undefined)
  throw new Error('usage: sweeper-child DATABASE REDIS LEASE');
const pool = createPool(databaseUrl);
const io = createIoSteps();
const sweeper = new Sweeper({
  ...{ databaseUrl, redisUrl, log: new EventLog(pool, io), leaseMs: Number(leaseMs), io },
  ...{ logger: createLogger('child', 'silent'), pollMs: 20 },
});
sweeper.start();
process.on('SIGTERM', () => void sweeper.stop().then(() => pool.end()));
