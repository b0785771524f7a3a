import 'reflect-metadata';
import { configureBuckets } from '@quipu/ledger';
import { createLogger, endOnSignal, errorMessage, loadConfig, systemClock } from '@quipu/platform';
import { createApi } from './create-api.js';

const config = loadConfig();
configureBuckets(config);
const logger = createLogger('api', config.logLevel);

if (config.databaseUrl === undefined || config.redisUrl === undefined) {
  logger.fatal('DATABASE_URL and REDIS_URL must be set; `quipu start` starts stores and sets both');
  process.exit(1);
}

try {
  const app = await createApi({
    config,
    databaseUrl: config.databaseUrl,
    redisUrl: config.redisUrl,
    clock: systemClock,
    logger,
  });
  endOnSignal({ logger, graceMs: config.shutdownSeconds * 1000, close: () => app.close() });
  await app.listen(config.port, config.host);
  logger.info({ address: await app.getUrl() }, 'api listening');
} catch (error) {
  logger.fatal({ err: error }, `the api did not start: ${errorMessage(error)}`);
  process.exit(1);
}
