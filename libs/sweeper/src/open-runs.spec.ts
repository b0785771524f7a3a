import { type CurrentEvent } from '@quipu/contracts';
import { entityKinds } from '@quipu/ledger';
import { openRunOf } from './open-runs.js';

const ON = { tenant: 'superadmin', worker: 'w' };

/** A fact of a job's first attempt; `t` in ms. */
const fact = (type: string, t: number, data: object = { worker: 'w' }): CurrentEvent =>
  ({
    ...{ tenant: 'acme', source: 's', id: `${type}${t}`, subject: 'job/j', time: t, dataversion: 1 },
    ...{ type, data },
  }) as unknown as CurrentEvent;

function openRun(facts: readonly CurrentEvent[]) {
  const kind = entityKinds.job;
  let state = kind.empty({ tenant: 'acme', kind: 'job', id: 'job/j' });
  for (const one of facts) state = kind.merge(state, one);
  return openRunOf('acme', 'job/j', state, 99, ON);
}

describe('a run that ends with its worker', () => {
  it('is one that goes on, with the last that is known of it', () => {
    const facts = [fact('job.assigned', 3), fact('job.started', 5), fact('job.progressed', 8, {})];
    expect(openRun(facts)).toEqual({
      ...{ jobTenant: 'acme', job: 'job/j', attempt: 1, startedMs: 5, lastMs: 8, recordedMs: 99 },
    });
  });

  it.each([
    ['was assigned and has not begun', [fact('job.queued', 1, {}), fact('job.assigned', 3)]],
    ['has ended', [fact('job.started', 5), fact('job.completed', 6, {})]],
    ['is another worker’s', [fact('job.started', 5, { worker: 'v' })]],
    [
      'is that of a worker of the same name elsewhere',
      [fact('job.started', 5, { worker: 'w', workerTenant: 'acme' })],
    ],
    [
      'is that of the next attempt elsewhere',
      [fact('job.started', 5), fact('job.started', 6, { attempt: 2 })],
    ],
  ])('is none that %s', (_, facts) => {
    expect(openRun(facts)).toBeNull();
  });
});
