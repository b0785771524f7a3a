import { MeasuresWriter } from '@quipu/archive';
import { createIoSteps, createLogger, createPool, systemClock } from '@quipu/platform';
import { MeasuresConsumer } from '../../apps/projector/src/measures/measures-consumer.js';
import { MeasuresUpkeep } from '../../apps/projector/src/measures/measures-upkeep.js';

/**
 * A consumer of measures alone in a process, which may be killed at a numbered I/O step. It kills itself once it has done
 * MEASURES_CHILD_JOBS jobs: whoever watched it would be too late on a busy machine.
 */
const [databaseUrl, redisUrl] = process.argv.slice(2);
if (databaseUrl === undefined || redisUrl === undefined) {
  throw new Error('usage: measures-child DATABASE REDIS');
}
const pool = createPool(databaseUrl);
const logger = createLogger('child', 'silent');
const mostJobs = Number(process.env['MEASURES_CHILD_JOBS'] ?? Infinity);
let jobs = 0;
const writer = new MeasuresWriter({ pool, clock: systemClock, logger, io: createIoSteps() });
const consumer = new MeasuresConsumer({
  ...{ redisUrl, writer, logger, lockMs: 500, concurrency: 8 },
  upkeep: new MeasuresUpkeep({ pool, writer, clock: systemClock, logger }),
  onCompleted: () => {
    jobs += 1;
    if (jobs >= mostJobs) process.kill(process.pid, 'SIGKILL');
  },
});
consumer.start();
process.on('SIGTERM', () => void consumer.stop().then(() => pool.end()));
