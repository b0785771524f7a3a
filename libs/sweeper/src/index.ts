export { type Ending } from './ending.js';
export {
  type EndingPlace,
  type Found,
  type Page,
  readDue,
  readLeft,
  readWoken,
  type WorkerPlace,
} from './due.js';
export { feed, type SweeperClient } from './feed.js';
export { forgetEndings, type KeptPlace } from './forget.js';
export { type GoodLook, Hearing } from './hearing.js';
export { judge, type Lease, type Loss, type OpenRun, type WorkerRecord } from './judge.js';
export { isInTouch, type Life, type LifeKey, type Sign } from './life.js';
export { sweeperMigrations } from './migrations/index.js';
export { type Outlook, readOutlook } from './outlook.js';
export { lossReports, wakingReport } from './reports.js';
export { SWEEPER_SOURCE } from './selection.js';
export { ASIDE_REASONS, type AsideReason, type Circumstances, whyAside } from './standing.js';
export { readSweeperStatus, type SweeperStatus } from './status.js';
