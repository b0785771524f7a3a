import { parseEvent } from '@quipu/contracts';
import type { BullJob } from './bull.js';
import { JobNames, jobSubject, messageOf, tidyText, workerFields } from './job-facts.js';
import type { InstrumentOptions } from './options.js';

const NOW = Date.UTC(2026, 4, 1);

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

  it('is within the limits of the log whatever labels whoever enqueued the job put on it', () => {
    told.length = 0;
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`l${i}`, 'v']));
    const wide = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`${i}`.padEnd(100, '\u0001'), '\u0001'.repeat(200)]),
    );
    const odd = { ['x'.repeat(101)]: 'y'.repeat(201), '': 'nameless', 'a\u0000': 'b\ud800' };
    const names = new JobNames(
      { tenant: 'acme', labels: (one) => one.data as Record<string, string> },
      (error) => told.push(messageOf(error)),
    );
    for (const data of [many, wide, odd]) {
      const { tenant, subject, fields } = names.of(job({ data }));
      const at = new Date(NOW).toISOString();
      const event = {
        ...{ specversion: '1.0', id: '1', source: 's', type: 'job.queued', subject, time: at, tenant },
        ...{ dataversion: 1, data: { ...fields, attempt: 1 } },
      };
      expect(parseEvent(event, { nowMs: NOW, maxAgeMs: 0, backfill: false })).toMatchObject({ ok: true });
    }
    expect(names.of(job({ data: odd })).fields.labels).toEqual({
      ['x'.repeat(100)]: 'y'.repeat(200),
      'a\uFFFD': 'b\uFFFD',
    });
    expect(Object.keys(names.of(job({ data: many })).fields.labels!)).toHaveLength(64);
    expect(told).toEqual([expect.stringContaining('6 labels of a job were left out')]);
  });

  it('does without what cannot be a text', () => {
    const odd = Object.create(null) as string;
    expect(of({ user: () => odd, labels: { a: odd }, cluster: 'c' }).fields).toEqual({
      ...{ queue: 'q', taskName: 'build', cluster: 'c', nodes: 1 },
    });
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
