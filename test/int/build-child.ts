import { EventLog } from '@quipu/event-log';
import { buildLedger } from '@quipu/ledger';
import { createIoSteps, createLogger, createPool, systemClock } from '@quipu/platform';

/** Builds and promotes a generation of the ledger, alone in a process that may be killed at a numbered I/O step. */
const [databaseUrl] = process.argv.slice(2);
if (databaseUrl === undefined) throw new Error('usage: build-child DATABASE');
const pool = createPool(databaseUrl);
const { promotion } = await buildLedger({
  databaseUrl,
  log: new EventLog(pool),
  clock: systemClock,
  logger: createLogger('child', 'silent'),
  io: createIoSteps(),
  limits: { maxEvents: 100 },
  promote: true,
});
process.stdout.write(promotion?.live ?? '');
await pool.end();
