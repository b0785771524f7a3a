export type { DuplicableRedis, ReporterConnection } from './connection.js';
export type { ReportedEvent } from './event.js';
export {
  createReporter,
  type Deadline,
  Reporter,
  type ReporterOptions,
  type ReporterStats,
} from './reporter.js';
export type { JobView } from './instrument/bull.js';
export { instrument, type Instrumentable } from './instrument/instrument.js';
export type { InstrumentOptions, PerJob, WorkerDescription } from './instrument/options.js';
