import type { EventType } from '@quipu/contracts';

/** Who the sweeper's own facts are reported by. */
export const SWEEPER_SOURCE = 'quipu/sweeper';

/** Types of events that tell of a life. */
export const LIFE_TYPES = [
  'worker.registered',
  'worker.connected',
  'worker.heartbeat',
  'worker.disconnected',
  'worker.lost',
  'worker.retired',
] as const satisfies readonly EventType[];

/** What a worker's subject begins with. */
export const WORKER_PREFIX = 'worker/';
