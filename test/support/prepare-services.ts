import { createLogger, startServices } from '@quipu/platform';
import { testDataDir, type TestEnvironment } from './environment.js';
import { prepareTemplate } from './template.js';

/** Run by the global set-up with the pid of jest; prints the environment of the tests as JSON. */
const services = await startServices({ dataDir: testDataDir }, createLogger('test', 'warn'), {
  onBehalfOf: Number(process.argv[2]),
});
const environment: TestEnvironment = {
  QUIPU_TEST_DATABASE_URL: services.databaseUrl,
  QUIPU_TEST_REDIS_URL: services.redisUrl,
  QUIPU_TEST_TEMPLATE: await prepareTemplate(services.databaseUrl),
};
process.stdout.write(JSON.stringify(environment));
