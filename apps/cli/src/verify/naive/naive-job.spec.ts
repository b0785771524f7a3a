import type { CurrentEvent, EventType } from '@quipu/contracts';
import { naiveJob } from './naive-job.js';

type Told = readonly [time: number, type: EventType, data?: Record<string, unknown>];

function events(told: readonly Told[]): CurrentEvent[] {
  return told.map(([time, type, data = {}], index) => {
    const envelope = { tenant: 'acme', subject: 'job/1', source: 's', id: `${index}`, dataversion: 1 };
    return { ...envelope, type, time, data } as CurrentEvent;
  });
}

const OWN = ['jobs', 'jobs_finished', 'intervals_skewed', 'intervals_estimated'];

/** `level t d` per change, members, and the amounts that no metrics are made of, as short texts. */
function fold(...told: Told[]) {
  const { contributions, parts } = naiveJob('acme', 'job/1', events(told));
  const held = parts.find(({ says }) => 'held' in says);
  return {
    changes: contributions.changes.map(({ level, t, d }) => `${level} ${t} ${d}`),
    amounts: contributions.amounts
      .filter(({ family }) => OWN.includes(family))
      .map(({ family, labels, value }) => `${family} ${Object.values(labels).join(' ')} ${value}`),
    members: contributions.members.map(({ labels, score }) => `${labels['queue']} ${score}`),
    hold: held === undefined ? null : `${held.tenant} ${held.id}`,
  };
}

describe('the naive fold of a job', () => {
  it('waits, runs, ends', () => {
    expect(
      fold([0, 'job.queued', { queue: 'q' }], [10, 'job.started', { nodes: 4 }], [30, 'job.completed']),
    ).toEqual({
      changes: ['running 10 1', 'running 30 -1', 'nodes 10 4', 'nodes 30 -4', 'waiting 0 1', 'waiting 10 -1'],
      amounts: ['jobs_finished q completed 1', 'jobs q completed 1'],
      members: [],
      hold: null,
    });
  });

  it('counts every life of an attempt', () => {
    const { changes } = fold(
      [0, 'job.started'],
      [10, 'job.completed'],
      [20, 'job.started'],
      [30, 'job.failed'],
    );
    expect(changes).toEqual(['running 0 1', 'running 10 -1', 'running 20 1', 'running 30 -1']);
  });

  it('gives an end that met nothing open to the start that nothing closes', () => {
    const { changes, amounts } = fold([5, 'job.completed'], [10, 'job.started']);
    expect(changes).toEqual([]);
    expect(amounts).toEqual(['jobs_finished  completed 1', 'intervals_skewed job 1', 'jobs  completed 1']);
  });

  it('closes an attempt without an end at the first sign of a higher one, and says that this is an estimate', () => {
    const { changes, amounts } = fold([0, 'job.started'], [10, 'job.queued', { attempt: 2 }]);
    const running = ['running 0 1', 'running 10 -1'];
    const estimated = ['running_estimated 0 1', 'running_estimated 10 -1'];
    expect(changes).toEqual([...running, ...estimated, 'waiting 10 1']);
    expect(amounts).toEqual(['intervals_estimated job 1', 'jobs  waiting 1']);
  });

  it('queues the next attempt at a failure that is not final, with the fields of the one before', () => {
    const { changes, members } = fold(
      [0, 'job.queued', { queue: 'q', delayUntil: '1970-01-01T00:00:00.002Z' }],
      [5, 'job.started'],
      [9, 'job.failed', { final: false }],
    );
    expect(changes).toEqual(['running 5 1', 'running 9 -1', 'waiting 2 1', 'waiting 5 -1', 'waiting 9 1']);
    expect(members).toEqual(['q 9']);
  });

  it('ends everything for real at a tombstone, for which nothing stays but what was used', () => {
    const removed = fold([0, 'job.queued'], [4, 'job.started'], [9, 'job.removed']);
    expect(removed.changes).toEqual(['running 4 1', 'running 9 -1', 'waiting 0 1', 'waiting 4 -1']);
    expect(removed.amounts).toEqual([]);
    const before = fold([9, 'job.started'], [3, 'job.removed']);
    expect(before).toEqual({ changes: [], amounts: [], members: [], hold: null });
    const tie = fold([0, 'job.started'], [9, 'job.removed'], [9, 'job.queued', { attempt: 2 }]);
    expect(tie.amounts).toEqual([]);
  });

  it('does not wait while it is blocked, delayed or assigned', () => {
    const { changes, members, hold } = fold(
      [0, 'job.queued'],
      [2, 'job.blocked'],
      [4, 'job.unblocked'],
      [6, 'job.assigned', { worker: 'w', workerTenant: 'acme' }],
    );
    expect(changes).toEqual(['waiting 0 1', 'waiting 2 -1', 'waiting 4 1', 'waiting 6 -1']);
    expect(members).toEqual([]);
    expect(hold).toBe('acme worker/w');
    expect(fold([0, 'job.queued', { delayUntil: '1970-01-01T00:00:00.100Z' }])).toMatchObject({
      changes: ['waiting 100 1'],
      members: [' 100'],
    });
  });

  it('holds the worker of its own attempt only', () => {
    const retried = fold(
      [0, 'job.started', { worker: 'w' }],
      [5, 'job.failed', { final: false }],
      [6, 'job.assigned', { attempt: 2 }],
    );
    expect(retried.hold).toBeNull();
    expect(fold([0, 'job.started', { worker: 'w' }]).hold).toBe('superadmin worker/w');
  });

  it('decides ties by rank: what is requeued and assigned at once waits', () => {
    expect(fold([0, 'job.requeued'], [0, 'job.assigned']).amounts).toEqual(['jobs  waiting 1']);
    expect(fold([0, 'job.blocked'], [0, 'job.unblocked']).amounts).toEqual(['jobs  waiting 1']);
  });

  it('corrects an interval by facts told before the next one opens, and the end at that instant', () => {
    const { contributions } = naiveJob(
      'acme',
      'job/1',
      events([
        [0, 'job.started', { user: 'ann' }],
        [10, 'job.completed', { queue: 'late' }],
        [10, 'job.started', { user: 'bob' }],
        [10, 'job.started'],
      ]),
    );
    const users = contributions.changes.map(({ t, d, dims }) => [t, d, dims.user, dims.queue]);
    expect(users).toEqual([
      [0, 1, 'ann', 'late'],
      [10, -1, 'ann', 'late'],
      [10, 1, 'bob', 'late'],
    ]);
  });

  describe('whose worker fell silent', () => {
    const started: Told = [10, 'job.started', { nodes: 2, worker: 'w' }];
    const guessed = (time: number, data = {}): Told => [time, 'job.aborted', { estimated: true, ...data }];
    const upTo = (end: number): string[] => [
      ...['running 10 1', `running ${end} -1`, 'nodes 10 2', `nodes ${end} -2`],
      ...['running_estimated 10 1', `running_estimated ${end} -1`],
      ...['nodes_estimated 10 2', `nodes_estimated ${end} -2`],
      ...['busy 10 1', `busy ${end} -1`, 'idle 10 -1', `idle ${end} 1`],
    ];
    const open = ['running 10 1', 'nodes 10 2', 'busy 10 1', 'idle 10 -1'];

    it('is over at the last that was guessed, holds nobody and is not counted as ended', () => {
      const given = fold(started, guessed(20), guessed(30), guessed(25));
      expect(given.changes).toEqual(upTo(30));
      expect(given.amounts).toEqual(['intervals_estimated job 1', 'jobs  aborted 1']);
      expect(given.hold).toBeNull();
    });

    it('goes on when something was heard of it after that, or it was started again', () => {
      expect(fold(started, guessed(20), [21, 'job.progressed']).changes).toEqual(open);
      expect(fold(started, guessed(20), [20, 'job.progressed']).changes).toEqual(upTo(20));
      expect(fold(started, guessed(20), [21, 'job.started']).changes).toEqual(open);
      expect(fold(started, guessed(9)).changes).toEqual(open);
      expect(fold(started, guessed(10)).amounts).toEqual(['intervals_estimated job 1', 'jobs  aborted 1']);
    });

    it('ended when its true end came, before or after', () => {
      for (const end of [15, 20, 25]) {
        const { changes, amounts } = fold(started, guessed(20), [end, 'job.completed']);
        expect(changes).not.toContain('running_estimated 10 1');
        expect(changes).toContain(`running ${end} -1`);
        expect(amounts).toEqual(['jobs_finished  completed 1', 'jobs  completed 1']);
      }
    });

    it('ends at the earliest that something says, for real on a tie', () => {
      expect(fold(started, guessed(20), [15, 'job.queued', { attempt: 2 }]).changes).toContain(
        'running 15 -1',
      );
      expect(fold(started, guessed(20), [25, 'job.queued', { attempt: 2 }]).changes).toContain(
        'running 20 -1',
      );
      expect(fold(started, guessed(20), [20, 'job.removed']).amounts).toEqual([]);
      expect(fold(started, guessed(20), [21, 'job.removed']).amounts).toEqual(['intervals_estimated job 1']);
    });

    it('waits again when it is given back later, by what was said since alone', () => {
      const again = fold(
        [0, 'job.assigned'],
        started,
        guessed(20),
        [25, 'job.queued'],
        [26, 'job.progressed'],
      );
      expect(again.changes).toEqual(open);
      const given = fold([0, 'job.assigned'], started, guessed(20), [25, 'job.queued', { queue: 'q' }]);
      expect(given.changes).toEqual([...upTo(20), 'waiting 25 1']);
      expect(given.amounts).toEqual(['intervals_estimated job 1', 'jobs q waiting 1']);
      expect(given.members).toEqual(['q 25']);
      expect(fold([0, 'job.requeued'], started, guessed(20)).changes).toContain('waiting 10 -1');
    });

    it('is not made an attempt, nor told anything, by signs and guesses', () => {
      expect(fold(guessed(20), [5, 'job.progressed', { queue: 'q' }])).toEqual({
        ...{ changes: [], amounts: [], members: [], hold: null },
      });
      const { amounts } = fold([0, 'job.queued'], guessed(5, { attempt: 2, queue: 'q' }));
      expect(amounts).toEqual(['jobs  waiting 1']);
      expect(fold([0, 'job.started'], [9, 'job.progressed', { queue: 'q' }]).amounts).toEqual([
        'jobs  running 1',
      ]);
    });
  });
});
