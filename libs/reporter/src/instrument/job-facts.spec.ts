import type { BullJob } from './bull.js';
import { JobNames, jobSubject, messageOf, tidyText, workerFields } from './job-facts.js';
import type { InstrumentOptions } from './options.js';

const job = (more: Partial<BullJob> = {}): BullJob => ({
  ...{ id: '7', name: 'build', data: { team: 'a' }, opts: {}, queueName: 'q', prefix: 'bull' },
  ...{ timestamp: 1_000, attemptsMade: 0, getState: () => Promise.resolve('waiting') },
  ...more,
});

describe('what is known of a job', () => {
  const told: string[] = [];
  const of = (options: Partial<InstrumentOptions>, one = job()) =>
    new JobNames({ tenant: 'acme', ...options }, (error) => told.push(messageOf(error))).of(one);

  it('is what the options say, for all jobs or of each', () => {
    const options = {
      tenant: (one: { data: unknown }) => `t-${(one.data as { team: string }).team}`,
      user: () => 'ann',
      nodes: 4,
      labels: { arch: 'amd64' },
      cluster: 'c-1',
      taskType: 'Worker',
      queue: 'other',
    };
    expect(of(options, job({ priority: 3 }))).toEqual({
      tenant: 't-a',
      subject: 'job/other/7@1000',
      fields: {
        ...{ queue: 'other', taskName: 'build', taskType: 'Worker', user: 'ann', cluster: 'c-1' },
        ...{ priority: 3, nodes: 4, labels: { arch: 'amd64' } },
      },
    });
  });

  it('leaves out what is empty, and one node is held', () => {
    const options = { user: () => undefined, cluster: '', labels: {} };
    expect(of(options).fields).toEqual({ queue: 'q', taskName: 'build', nodes: 1 });
  });

  it('does without what a function of the program throws', () => {
    const user = () => {
      throw new Error('no user');
    };
    expect(of({ user }).fields['user']).toBeUndefined();
    expect(told).toEqual(['no user']);
  });

  it.each([
    [2.6, 3],
    [-1, 0],
    [Number.NaN, 1],
    [5_000_000, 1_000_000],
  ])('takes %d nodes for %d', (given, nodes) => {
    expect(of({ nodes: given }).fields['nodes']).toBe(nodes);
  });

  it('keeps subjects of the longest ids apart within the limit', () => {
    const [one, two] = ['a', 'b'].map((end) => jobSubject('q', 'x'.repeat(600) + end, 1));
    expect(one).toHaveLength(512);
    expect(one).not.toBe(two);
    expect(jobSubject('q', 'x', 1)).toBe('job/q/x@1');
  });

  it('is text that the log takes', () => {
    expect(tidyText('a\u0000b\ud800', 10)).toBe('a\uFFFDb\uFFFD');
    expect(tidyText('abc', 2)).toBe('ab');
    expect(messageOf(new Error('x'.repeat(5_000)))).toHaveLength(1_000);
    expect(messageOf('plain')).toBe('plain');
  });

  it('names the tenant of a worker only where it is not the platform’s', () => {
    expect(workerFields('w', 'superadmin')).toEqual({ worker: 'w' });
    expect(workerFields('w', 'acme')).toEqual({ worker: 'w', workerTenant: 'acme' });
  });
});
