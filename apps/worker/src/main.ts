import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { createLogger, endOnSignal, loadConfig, NestLogger, QuipuError } from '@quipu/platform';
import { workerConfig } from './worker-config.js';
import { WorkerModule } from './worker.module.js';

/** Runs until SIGTERM or SIGINT; then finishes the jobs at hand, or gives them back. */
async function main(): Promise<void> {
  const settings = loadConfig();
  const config = workerConfig(settings);
  const logger = createLogger('worker', settings.logLevel);
  const app = await NestFactory.createApplicationContext(WorkerModule.create(config, logger), {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  endOnSignal({ logger, graceMs: config.shutdownSeconds * 1_000, close: () => app.close() });
  logger.info({ queues: config.queues, tenant: config.tenant }, 'worker started');
}

main().catch((error: unknown) => {
  const logger = createLogger('worker');
  if (error instanceof QuipuError) logger.fatal({ hint: error.hint }, error.message);
  else logger.fatal({ err: error }, 'the worker cannot start');
  process.exitCode = 1;
});
