import { jobName } from '../fleet/held-jobs.js';
import type { WorkerStanding } from '../fleet/worker-standing.js';
import { countAble } from './serving.js';

function worker(name: string, pool: string, more: Partial<WorkerStanding> = {}): WorkerStanding {
  return {
    ...{ tenant: 'superadmin', worker: name, type: '', pool, host: '', slots: 1, enabled: true },
    ...{ connected: true, state: 'idle', connectionSince: 0, estimated: false, lastHeartbeat: null },
    ...{ registered: 0, retired: null, holds: [], doubts: [] },
    ...more,
  };
}

const took = (id: string, queue = 'q', tenant = 'superadmin') => ({
  ...{ tenant: 'acme', queue, worker: { tenant, id } },
});
const KEY = JSON.stringify(['acme', 'q']);

describe('workers able to serve a queue', () => {
  it('are those that took a job of it, and all in touch that share their pool', () => {
    const workers = [worker('a', 'farm'), worker('b', 'farm'), worker('c', 'gpu'), worker('d', '')];
    expect(countAble(workers, [took('a')], new Map()).get(KEY)).toBe(2);
    expect(countAble(workers, [took('a'), took('c')], new Map()).get(KEY)).toBe(3);
    // Workers without a pool share nothing.
    expect(countAble([...workers, worker('e', '')], [took('d')], new Map()).get(KEY)).toBe(1);
  });

  it('are not those that are away, disabled or gone, though their pool was seen to serve it', () => {
    const workers = [
      worker('a', 'farm', { connected: false, state: 'lost' }),
      worker('b', 'farm'),
      worker('c', 'farm', { enabled: false }),
      worker('d', 'farm', { state: 'retired' }),
    ];
    expect(countAble(workers, [took('a')], new Map()).get(KEY)).toBe(1);
    expect(countAble(workers.slice(0, 1), [took('a')], new Map()).get(KEY)).toBe(0);
  });

  it('are also those that hold a job of it, however long ago they took it', () => {
    const held = { tenant: 'acme', id: 'job/q/1@1' };
    const current = {
      ...{ tenant: 'acme', job: 'q/1@1', queue: 'q', user: null, attempt: 1, status: 'running' as const },
      since: 0,
    };
    const jobs = new Map([[jobName(held), current]]);
    const workers = [worker('a', 'farm', { state: 'busy', holds: [held] }), worker('b', 'farm')];
    expect(countAble(workers, [], jobs).get(KEY)).toBe(2);
  });

  it('are told apart by tenant: a pool of the same name is another pool', () => {
    const workers = [worker('a', 'farm'), worker('a', 'farm', { tenant: 'acme' })];
    expect(countAble(workers, [took('a')], new Map()).get(KEY)).toBe(1);
    expect(countAble(workers, [took('nobody')], new Map()).get(KEY)).toBeUndefined();
    expect(countAble(workers, [{ ...took('a'), worker: null }], new Map()).size).toBe(0);
  });
});
