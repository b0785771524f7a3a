export {
  asPosition,
  type Brand,
  type EventId,
  type EventSource,
  isTenantId,
  MAX_TENANT_LENGTH,
  type Position,
  type Subject,
  TENANT_PATTERN,
  type TenantId,
} from './brand.js';
export { canonicalEvent, canonicalJson } from './canonical.js';
export {
  catalogue,
  type EventData,
  type EventType,
  isEventType,
  type JobData,
  type NodeData,
  type WorkerData,
} from './catalogue/catalogue.js';
export { type EventDefinition, PLATFORM_TENANT } from './catalogue/definition.js';
export type { FieldDoc } from './catalogue/fields.js';
export { describeCatalogue, type EventDescription, type FieldDescription } from './describe.js';
export {
  type CloudEvent,
  type CurrentEvent,
  type LogEvent,
  type StoredEvent,
  toCloudEvent,
} from './envelope.js';
export * from './limits.js';
export {
  MAX_MEASURES_BYTES,
  MEASURES_QUEUE,
  type MeasuresPayload,
  parseMeasuresPayload,
} from './measures-queue.js';
export { parseEvent, type ParseLimits, type ParseResult } from './parse-event.js';
export {
  LIFECYCLE_QUEUE,
  MAX_EVENTS_PER_JOB,
  parseQueuePayload,
  QUEUE_PREFIX,
  type QueuePayload,
} from './queue.js';
export { type Refusal, type RefusalReason, REFUSALS } from './refusal.js';
export { formatTimestamp, MAX_TIME_MS, MIN_TIME_MS, parseTimestamp } from './timestamp.js';
export { upcast } from './upcast.js';
