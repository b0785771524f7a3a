import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { configureBuckets } from '@quipu/ledger';
import { createLogger, endOnSignal, loadConfig, NestLogger, QuipuError } from '@quipu/platform';
import { projectorConfig } from './projector-config.js';
import { ProjectorModule } from './projector.module.js';

/** Runs until SIGTERM or SIGINT, then finishes the work under way. */
async function main(): Promise<void> {
  const settings = loadConfig();
  configureBuckets(settings);
  const config = projectorConfig(settings);
  const logger = createLogger('projector', config.logLevel);
  const app = await NestFactory.createApplicationContext(ProjectorModule.create(config, logger), {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  endOnSignal({ logger, graceMs: settings.shutdownSeconds * 1000, close: () => app.close() });
  logger.info('projector started');
}

main().catch((error: unknown) => {
  const logger = createLogger('projector');
  if (error instanceof QuipuError) logger.fatal({ hint: error.hint }, error.message);
  else logger.fatal({ err: error }, 'the projector cannot start');
  process.exitCode = 1;
});
