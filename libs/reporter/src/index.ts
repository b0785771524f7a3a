export type { DuplicableRedis, ReporterConnection } from './connection.js';
export type { ReportedEvent } from './event.js';
export {
  createReporter,
  type Deadline,
  Reporter,
  type ReporterOptions,
  type ReporterStats,
} from './reporter.js';
