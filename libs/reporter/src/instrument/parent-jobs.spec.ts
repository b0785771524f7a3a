import { Reporter } from '../reporter.js';
import type { BullJob, BullWorker } from './bull.js';
import { JobNames } from './job-facts.js';
import { JobReports } from './job-reports.js';
import { reportParent } from './parent-jobs.js';

type Fields = Readonly<Record<string, string>>;

const STORED = { timestamp: '5', name: 'parent', data: '{}', opts: '{}' };
const CHILD = {
  ...{
    id: 'c',
    name: 'child',
    data: {},
    opts: {},
    queueName: 'q',
    prefix: 'bull',
    timestamp: 6,
    attemptsMade: 1,
  },
  ...{ parent: { id: 'p', queueKey: 'bull:parents' }, getState: () => Promise.resolve('completed') },
} satisfies BullJob;

/** Events about the parent of a job that has ended, `looks` being what Redis says of it from look to look. */
async function told(looks: readonly Fields[], places: Readonly<Record<string, string[]>> = {}) {
  const events: string[] = [];
  const send = (sent: readonly string[]) => {
    for (const json of sent) {
      const { type, data } = JSON.parse(json) as { type: string; data: { attempt: number } };
      events.push(`${type} ${data.attempt}`);
    }
    return Promise.resolve();
  };
  const reporter = new Reporter({ connection: '', source: 'test' }, { send, close: () => undefined });
  const tell = (error: unknown): never => {
    throw error;
  };
  const reports = new JobReports(reporter, new JobNames({ tenant: 'acme' }, tell), tell);
  let look = 0;
  const members = (key: string) => places[key.slice('bull:parents:'.length)] ?? [];
  const client = {
    hmget: (_key: string, ...fields: string[]) => {
      const found = looks[Math.min(look++, looks.length - 1)]!;
      return Promise.resolve(fields.map((field) => found[field] ?? null));
    },
    zscore: (key: string, id: string) => Promise.resolve(members(key).includes(id) ? '1' : null),
    lrange: (key: string) => Promise.resolve(members(key)),
  };
  reportParent({ client: Promise.resolve(client) } as unknown as BullWorker, CHILD, reports);
  await reports.settled(10_000);
  await reporter.close();
  return events;
}

describe('a parent whose child has ended', () => {
  it('waits for a worker from then on, if it was the last child', async () => {
    expect(await told([STORED])).toEqual(['job.blocked 1', 'job.unblocked 1']);
    expect(await told([{ ...STORED, ats: '2' }])).toEqual(['job.unblocked 3']);
  });

  it.each<[string, Fields[], Readonly<Record<string, string[]>>]>([
    ['waits for others', [STORED], { 'waiting-children': ['p'] }],
    ['runs', [{ ...STORED, ats: '1' }], { active: ['p'] }],
    ['backs off', [{ ...STORED, ats: '1' }], { delayed: ['p'] }],
    ['has ended', [{ ...STORED, ats: '1', finishedOn: '9' }], {}],
    ['is gone', [{}], {}],
    [
      'ends while it is looked at',
      [
        { ...STORED, ats: '1' },
        { ...STORED, ats: '1', finishedOn: '9' },
      ],
      {},
    ],
    ['ends and goes while it is looked at', [{ ...STORED, ats: '1' }, {}], {}],
  ])('does not if it %s', async (_, looks, places) => {
    expect(await told(looks, places)).toEqual([]);
  });
});
