import { asPosition, parseEvent, type StoredEvent, toCloudEvent } from '@quipu/contracts';
import { judge } from './judge.js';
import { isInTouch, type Life } from './life.js';
import { lossReports, wakingReport } from './reports.js';
import { Roll } from './roll.js';
import { SWEEPER_SOURCE } from './selection.js';

let position = 0n;

function stored(type: StoredEvent['type'], time: number, data: object = {}, more: Partial<StoredEvent> = {}) {
  position += 1n;
  return {
    ...{ tenant: 'superadmin', source: 'rig', id: `e${position}`, type, subject: 'worker/w', time },
    ...{ dataversion: 1, data: { life: 'a', ...data }, position: asPosition(position), recordedMs: time },
    ...more,
  };
}

const RUN = { jobTenant: 'acme', job: 'job/q/1@1', attempt: 3, startedMs: 12, lastMs: 12, recordedMs: 12 };
const LEASE = { nowMs: 100, leaseMs: 60, hearingSinceMs: 0 };

/** What is reported of a worker that was heard at 10 and 20 and then no more, as the log would tell it back. */
function reportsOf(lives: readonly Life[], lease = LEASE): StoredEvent[] {
  return judge({ lives, runs: [RUN] }, lease)
    .flatMap(lossReports)
    .map((event) => ({ ...event, position: asPosition((position += 1n)), recordedMs: 90 }));
}

describe('what the sweeper reports', () => {
  const roll = new Roll([], []);
  roll.take(stored('worker.connected', 10));
  roll.take(stored('worker.heartbeat', 20));
  const lives = roll.changes().lives;
  const reports = reportsOf(lives);

  it('is the ends of the runs, then the loss, at the last sign of life, each a valid event', () => {
    expect(
      reports.map(({ type, tenant, subject, time, data }) => [type, tenant, subject, time, data]),
    ).toEqual([
      ['job.aborted', 'acme', RUN.job, 20, { attempt: 3, worker: 'w', life: 'a', estimated: true }],
      [
        ...['worker.lost', 'superadmin', 'worker/w', 20],
        { life: 'a', since: '1970-01-01T00:00:00.010Z', estimated: true },
      ],
    ]);
    for (const event of reports) {
      const parsed = parseEvent(toCloudEvent(event), { nowMs: 100, maxAgeMs: 1, backfill: true });
      expect(parsed).toMatchObject({ ok: true });
      expect(event.source).toBe(SWEEPER_SOURCE);
    }
  });

  it('has the same identities whoever says it, and others for another sign of life', () => {
    const ids = (events: readonly StoredEvent[]) => events.map(({ id }) => id);
    expect(ids(reportsOf(structuredClone(lives)))).toEqual(ids(reports));
    const later = new Roll(structuredClone(lives), []);
    later.take(stored('worker.heartbeat', 21));
    const others = ids(reportsOf(later.changes().lives));
    expect(others.filter((id) => ids(reports).includes(id))).toEqual([]);
  });

  it('is told back by the log: the life is lost, the run ended', () => {
    const known = new Roll(structuredClone(lives), []);
    for (const event of reports) known.take(event);
    const { lives: after, endings } = known.changes();
    expect(after.map(isInTouch)).toEqual([false]);
    expect(endings).toMatchObject([{ job: RUN.job, attempt: 3, life: 'a', endedMs: 20, wokenBy: null }]);
    expect(known.counts).toEqual({ lost: 1, ended: 1, woken: 0 });
    // Should the run be open all the same, its end is the same one.
    expect(reportsOf(after).map(({ id }) => id)).toEqual([reports[0]!.id]);
    expect(reportsOf(after, { ...LEASE, nowMs: 70 })).toEqual([]);
  });

  it.each([
    ['after the loss', (heard: StoredEvent) => [...reports, heard]],
    ['between judgement and loss', (heard: StoredEvent) => [heard, ...reports]],
  ])('is taken back by the first sign of the same life: %s', (_, order) => {
    const first = stored('worker.heartbeat', 70);
    const known = new Roll(structuredClone(lives), []);
    for (const event of order(first)) known.take(event);
    known.take(stored('worker.heartbeat', 80));
    const { endings, lives: after } = known.changes();
    expect(after.map(isInTouch)).toEqual([true]);
    const report = wakingReport(endings[0]!)!;
    expect(report).toMatchObject({
      ...{ type: 'job.progressed', tenant: 'acme', subject: RUN.job, time: 70 },
      ...{ source: SWEEPER_SOURCE, data: { attempt: 3, worker: 'w' } },
    });
    known.take({ ...report, position: asPosition((position += 1n)), recordedMs: 95 });
    expect(known.changes()).toMatchObject({ endings: [], overEndings: [{ job: RUN.job }] });
  });

  it('stays when another life is heard, or the same one tells of earlier', () => {
    const known = new Roll(structuredClone(lives), []);
    for (const event of reports) known.take(event);
    known.take(stored('worker.heartbeat', 70, { life: 'b' }));
    known.take(stored('worker.heartbeat', 19));
    expect(known.changes().endings).toMatchObject([{ wokenBy: null }]);
  });
});

describe('the roll of lives', () => {
  it('keeps a worker that is gone for ever gone, in lives that are heard later too', () => {
    const roll = new Roll([], []);
    roll.take(stored('worker.connected', 10));
    roll.take(stored('worker.retired', 20, { life: 'x' }));
    roll.take(stored('worker.heartbeat', 30, { life: 'b' }));
    expect(roll.changes().lives.map(isInTouch)).toEqual([false, false, false]);
  });

  it('keeps the latest of the lives that are over, and all that are not', () => {
    const roll = new Roll([], []);
    for (let n = 0; n < 30; n += 1) {
      roll.take(stored('worker.connected', n, { life: `l${n}` }));
      if (n % 10 !== 0) roll.take(stored('worker.disconnected', n + 1, { life: `l${n}` }));
    }
    const { lives, overLives } = roll.changes();
    expect(lives.filter(isInTouch).map(({ life }) => life)).toEqual(['l0', 'l10', 'l20']);
    expect(lives).toHaveLength(11);
    expect(overLives).toHaveLength(19);
  });

  it('takes a loss that somebody saw for an end, whoever reports it', () => {
    const roll = new Roll([], []);
    roll.take(stored('worker.heartbeat', 10));
    roll.take(stored('worker.lost', 12, { estimated: true }, { source: SWEEPER_SOURCE }));
    expect(roll.changes().lives).toMatchObject([{ endedMs: 12, lostMs: null }]);
    expect(roll.counts.lost).toBe(0);
  });
});
