import { jest } from '@jest/globals';
import { Reporter } from '../reporter.js';
import type { BullJob, BullQueue } from './bull.js';
import { JobNames, messageOf } from './job-facts.js';
import { JobReports } from './job-reports.js';
import { hookRemovals } from './removal-hooks.js';

/** A queue with very many jobs, which are all gone once they have been looked at. */
function rig(size: number, beforePage: () => void = () => undefined) {
  const job = (n: number): BullJob => ({
    ...{ id: `${n}`, name: 'x', data: {}, opts: {}, queueName: 'q', prefix: 'bull', timestamp: n },
    ...{ attemptsMade: 0, getState: () => Promise.resolve('waiting') },
  });
  const reads: number[] = [];
  const none = () => Promise.resolve(undefined);
  const queue = {
    ...{ name: 'q', opts: {}, Job: { fromId: none }, on: none, remove: none, obliterate: none, drain: none },
    clean: (_grace: number, limit: number) =>
      Promise.resolve(Array.from({ length: limit === 0 ? size : limit }, (_, n) => `${n}`)),
    getJobs: (types: string[], start: number, end: number) => {
      beforePage();
      const length = types[0] === 'waiting' ? Math.max(0, Math.min(end + 1, size) - start) : 0;
      reads.push(length);
      return Promise.resolve(Array.from({ length }, (_, i) => job(start + i)));
    },
  };
  const told: string[] = [];
  const tell = (error: unknown) => void told.push(messageOf(error));
  const sender = { send: () => Promise.resolve(), close: () => undefined };
  const reporter = new Reporter({ connection: '', source: 'test', maxEvents: 200_000 }, sender);
  hookRemovals(
    queue as unknown as BullQueue,
    new JobReports(reporter, new JobNames({ tenant: 'acme' }, tell), tell),
  );
  const reported = () => reporter.stats().sent + reporter.stats().buffered;
  return { queue: queue as unknown as BullQueue, told, reads, reporter, reported };
}

describe('a look at the jobs that are to be taken out', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('ends after 100,000 of them, and says so', async () => {
    const { queue, told, reads, reporter, reported } = rig(250_000);
    await queue.drain();
    expect(reads.reduce((sum, read) => sum + read, 0)).toBe(100_000);
    expect(Math.max(...reads)).toBe(500);
    expect(told).toEqual([expect.stringContaining('q: there are over 100000')]);
    for (let before = -1; before !== reported(); await new Promise(setImmediate)) before = reported();
    expect(reported()).toBe(100_000);
    await reporter.close();
  });

  it('ends after 5 s, and says so', async () => {
    jest.useFakeTimers();
    const { queue, told, reads } = rig(250_000, () => void jest.advanceTimersByTime(1_000));
    await queue.drain();
    expect(reads.length).toBeLessThan(8);
    expect(told).toEqual([expect.stringContaining('q: it takes over 5000 ms')]);
  });

  it('is at no more jobs than may be cleaned, and says how many of those were not seen', async () => {
    const { queue, told, reads, reported, reporter } = rig(250_000);
    await queue.clean(0, 50, 'wait');
    expect(reads.reduce((sum, read) => sum + read, 0)).toBeLessThan(200);
    expect([reported(), told]).toEqual([50, []]);
    await queue.clean(0, 0, 'wait');
    expect(told).toContain('q: 150000 cleaned jobs are not reported as removed');
    expect(reported()).toBe(100_050);
    await reporter.close();
  });
});
