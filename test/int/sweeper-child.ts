import { EventLog } from '@quipu/event-log';
import { createIoSteps, createLogger, createPool } from '@quipu/platform';
import { Sweeper } from '../../apps/projector/src/sweeper/sweeper.js';

/**
 * A sweeper alone in a process, which may be killed or stopped at a numbered I/O step. It begins once it is told
 * anything on its standard input.
 */
const [databaseUrl, redisUrl, leaseMs, staleMs] = process.argv.slice(2);
if (databaseUrl === undefined || redisUrl === undefined || leaseMs === undefined)
  throw new Error('usage: sweeper-child DATABASE REDIS LEASE [STALE]');
const pool = createPool(databaseUrl);
const io = createIoSteps();
const sweeper = new Sweeper({
  ...{ databaseUrl, redisUrl, log: new EventLog(pool, io), leaseMs: Number(leaseMs), io },
  ...{ logger: createLogger('child', 'silent'), pollMs: 20 },
  longestGapMs: Number(leaseMs) * 0.75,
  ...(staleMs === undefined ? {} : { staleMs: Number(staleMs) }),
});
process.stdin.once('data', () => {
  process.stdin.destroy();
  sweeper.start();
});
process.on('SIGTERM', () => void sweeper.stop().then(() => pool.end()));
