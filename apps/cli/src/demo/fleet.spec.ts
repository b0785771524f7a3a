import { type LogEvent, parseEvent, toCloudEvent } from '@quipu/contracts';
import { Agenda } from './agenda.js';
import { Fleet } from './fleet.js';
import { Random } from './random.js';

const START = Date.parse('2026-11-20T08:00:00Z');

function run(seed: number, seconds: number, stepMs = 250): LogEvent[] {
  const fleet = new Fleet(seed, START);
  const events: LogEvent[] = [];
  for (let t = 0; t < seconds * 1000; t += stepMs) events.push(...fleet.advance(START + t));
  return [...events, ...fleet.goHome(START + seconds * 1000)];
}

describe('the demo fleet', () => {
  const events = run(7, 120);

  it('shows every turn a job can take', () => {
    const types = new Set(events.map((event) => event.type));
    for (const type of [
      'job.queued',
      'job.blocked',
      'job.unblocked',
      'job.assigned',
      'job.requeued',
      'job.started',
      'job.progressed',
      'job.completed',
      'job.failed',
      'job.aborted',
      'job.removed',
      'node.allocated',
      'node.released',
      'worker.registered',
      'worker.connected',
      'worker.heartbeat',
      'worker.disconnected',
    ]) {
      expect(types).toContain(type);
    }
    expect(events.some((event) => event.type === 'job.failed' && event.data['final'] === false)).toBe(true);
    expect(events.some((event) => event.type === 'job.started' && event.data['attempt'] === 2)).toBe(true);
    expect(events.some((event) => event.data['delayUntil'] !== undefined)).toBe(true);
    expect(new Set(events.map((event) => event.tenant)).size).toBe(3);
  });

  it('sends what the contract accepts, in the form the log keeps', () => {
    for (const event of events) {
      const limits = { nowMs: event.time, maxAgeMs: 1_000, backfill: false };
      expect(parseEvent(JSON.parse(JSON.stringify(toCloudEvent(event))), limits)).toEqual({
        ok: true,
        event,
      });
    }
  });

  it('gives each event an identity and keeps time', () => {
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    for (const [before, after] of events.slice(1).map((event, i) => [events[i]!, event] as const)) {
      expect(after.time).toBeGreaterThanOrEqual(before.time);
    }
  });

  it('repeats itself for a seed, however it is asked, and differs between seeds', () => {
    expect(run(7, 60, 50)).toEqual(run(7, 60, 1_000));
    expect(run(8, 60).map((event) => event.type)).not.toEqual(run(7, 60).map((event) => event.type));
  });

  it('leaves nothing alive when it goes home', () => {
    const count = (type: string) => events.filter((event) => event.type === type).length;
    expect(count('node.released')).toBe(count('node.allocated'));
    expect(count('worker.retired')).toBe(count('worker.registered'));
    const open = new Set<string>();
    for (const event of events) {
      const key = JSON.stringify([event.subject, event.data['attempt'] ?? 1]);
      if (event.type === 'job.started') open.add(key);
      if (['job.completed', 'job.failed', 'job.aborted'].includes(event.type)) open.delete(key);
    }
    expect([...open]).toEqual([]);
  });
});

describe('the agenda', () => {
  it('gives things out by time, first in first among equals', () => {
    const agenda = new Agenda();
    const random = new Random(3);
    const due = Array.from({ length: 200 }, (_, index) => ({ at: random.between(0, 20), index }));
    const done: typeof due = [];
    for (const item of due) agenda.add(item.at, () => done.push(item));
    for (let next = agenda.take(10); next; next = agenda.take(10)) next.run();
    expect(agenda.nextAt()).toBe(11);
    for (let next = agenda.take(99); next; next = agenda.take(99)) next.run();
    expect(done).toEqual(due.toSorted((a, b) => a.at - b.at || a.index - b.index));
  });
});
