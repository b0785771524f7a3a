import { createLogger, stopServices } from '@quipu/platform';
import { testDataDir } from './environment.js';

/** Stops the shared test services, unless another run of jest still uses them. */
await stopServices(testDataDir, createLogger('test', 'warn'), { unlessUsed: true });
