import { archiveQueueLength, type JobInQueue, jobsInQueue, openJobs } from '@quipu/archive';
import type { Redis } from 'ioredis';

/** Bytes of job data that count as one job: what many thin jobs take, few thick ones must not take many times over. */
export const BYTES_PER_PLACE = 32 * 1024;
/** Most places one job takes: a megabyte of measures as base64. */
const MOST_PLACES = 44;
/** How long the queue is taken to be as it was, ms, and how much longer for each job in it. */
const HOLDS_MS = 100;
const HOLDS_MS_PER_JOB = 0.1;
/** Most jobs looked at one by one; what is beyond them counts as one place each. */
const MOST_JOBS = 20_000;

/** Why there is no room: the queue is full, or one tenant has taken its share of it. */
export type NoRoom = 'full' | 'share';

/** Places that some job data takes. */
export function placesOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BYTES_PER_PLACE));
}

/**
 * The room in the queue of measures, counted in places. A tenant may fill as much as it leaves free: alone it gets half
 * of the room, two get a third each, and whoever has nothing in the queue finds room in it always.
 *
 * The count is of what Redis has, so nothing that dies can leave it wrong; between two looks it is a rough one.
 */
export class QueueRoom {
  private known = new Map<string, JobInQueue>();
  private taken = 0;
  private byTenant = new Map<string, number>();
  private lookAgainAt = 0;

  /** @param places how many there are. */
  constructor(private readonly places: number) {}

  /** Looks at the queue if the last look is too old. */
  async look(redis: Redis): Promise<void> {
    const now = performance.now();
    if (now < this.lookAgainAt) return;
    const length = await archiveQueueLength(redis);
    this.byTenant = new Map();
    this.taken = length;
    // However thick these are, nobody has more than is left: who has put them there need not be asked.
    if (length * MOST_PLACES * 2 > this.places) await this.count(redis, length);
    this.lookAgainAt = now + Math.max(HOLDS_MS, length * HOLDS_MS_PER_JOB);
  }

  /** Why there is no room for more of a tenant; null: there is. */
  refusal(tenant: string): NoRoom | null {
    if (this.taken >= this.places) return 'full';
    return (this.byTenant.get(tenant) ?? 0) >= this.places - this.taken ? 'share' : null;
  }

  /** Counts what was put into the queue after the last look. */
  add(tenant: string, places: number): void {
    this.taken += places;
    this.byTenant.set(tenant, (this.byTenant.get(tenant) ?? 0) + places);
  }

  private async count(redis: Redis, length: number): Promise<void> {
    const open = await openJobs(redis, MOST_JOBS);
    const unknown = open.filter((id) => !this.known.has(id));
    const told = await jobsInQueue(redis, unknown);
    const known = new Map<string, JobInQueue>();
    for (const id of open) {
      const job = this.known.get(id) ?? told.get(id);
      if (job !== undefined) known.set(id, job);
    }
    this.known = known;
    this.taken = Math.max(0, length - open.length);
    for (const { name, bytes } of known.values()) this.add(name, placesOf(bytes));
  }
}
