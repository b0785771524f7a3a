import type { BullJob } from './bull.js';

/** Whether Redis has no such field. */
export function isAbsent(value: string | null | undefined): value is null | undefined {
  return value === null || value === undefined;
}

/** What Redis keeps of a job that it takes to name it. */
export interface Stored {
  readonly name: string | null | undefined;
  readonly data: string | null | undefined;
  readonly opts: string | null | undefined;
  readonly timestamp: number;
}

/** A job of a queue there is no object for, made of what Redis keeps of it. */
export function readJob(id: string, queueName: string, { name, data, opts, timestamp }: Stored): BullJob {
  const read = (text: string | null | undefined): unknown => (isAbsent(text) ? {} : JSON.parse(text));
  return {
    ...{ id, queueName, prefix: '', name: name ?? '', timestamp, attemptsMade: 0 },
    data: read(data),
    opts: read(opts) as BullJob['opts'],
    getState: () => Promise.resolve('waiting'),
  };
}
