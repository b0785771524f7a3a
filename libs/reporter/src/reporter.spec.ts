import { jest } from '@jest/globals';
import { catalogue, parseEvent } from '@quipu/contracts';
import { PLATFORM_KINDS } from './event-encoder.js';
import type { ReportedEvent } from './event.js';
import { Reporter, type ReporterOptions } from './reporter.js';

/** A queue in memory that can be away. */
class FakeQueue {
  readonly jobs: Record<string, unknown>[][] = [];
  away = false;
  closed = false;
  tries = 0;

  send(events: readonly string[]): Promise<void> {
    this.tries += 1;
    if (this.away) return Promise.reject(new Error('away'));
    this.jobs.push(events.map((json) => JSON.parse(json)));
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
  }
}

const NOW = Date.UTC(2026, 4, 1);
const queued = (id: number, more: Partial<ReportedEvent> = {}): ReportedEvent =>
  ({ type: 'job.queued', subject: `job/q/${id}@1`, data: { queue: 'q' }, ...more }) as ReportedEvent;

function rig(options: Partial<ReporterOptions> = {}) {
  const queue = new FakeQueue();
  const errors: string[] = [];
  const onError = (error: Error) => void errors.push(error.message);
  const all = { connection: '', source: 'test', tenant: 'acme', onError, ...options };
  return { queue, errors, reporter: new Reporter(all, queue) };
}

describe('a reporter', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('sends what an ingest takes, with the time of the call and the data as it was then', async () => {
    const { queue, reporter } = rig();
    const data = { queue: 'q', labels: { a: '1' } };
    expect(reporter.report({ type: 'job.queued', subject: 'job/q/1@1', data, sequence: '7' })).toBe(true);
    data.labels.a = '2';
    await jest.advanceTimersByTimeAsync(200);
    const result = parseEvent(queue.jobs[0]![0], { nowMs: NOW, maxAgeMs: 0, backfill: false });
    expect(result).toMatchObject({
      ok: true,
      event: { tenant: 'acme', source: 'test', time: NOW, sequence: '7', dataversion: 1 },
    });
    expect(queue.jobs[0]![0]).toMatchObject({ data: { labels: { a: '1' } } });
  });

  it('waits 200 ms for company, and not at all once there are 500', async () => {
    const { queue, reporter } = rig();
    reporter.report(queued(0));
    await jest.advanceTimersByTimeAsync(199);
    expect(queue.jobs).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(queue.jobs).toHaveLength(1);
    for (let i = 0; i < 1_001; i += 1) reporter.report(queued(i));
    await jest.advanceTimersByTimeAsync(0);
    expect(queue.jobs.map((job) => job.length)).toEqual([1, 500, 500]);
    await jest.advanceTimersByTimeAsync(200);
    expect(queue.jobs.map((job) => job.length)).toEqual([1, 500, 500, 1]);
  });

  it('never throws: what is no event is counted and told', () => {
    const { errors, reporter } = rig();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const wrong: unknown[] = [
      null,
      {},
      queued(1, { subject: 'node/1' }),
      queued(1, { tenant: 'no tenant' }),
      queued(1, { time: Number.NaN }),
      queued(1, { data: circular }),
      queued(1, { data: { error: 'x'.repeat(70_000) } }),
      queued(1, { data: { priority: 1n as never } }),
    ];
    for (const event of wrong) expect(reporter.report(event as ReportedEvent)).toBe(false);
    expect(reporter.stats()).toEqual({ sent: 0, buffered: 0, dropped: 0, refused: wrong.length });
    expect(errors).toHaveLength(wrong.length);
  });

  it('refuses what JSON has no words for, and what travels with it arrives', async () => {
    const { queue, reporter } = rig({ tenant: '' });
    const wrong: unknown[] = [
      queued(1),
      queued(1, { tenant: 'acme', data: (() => 1) as never }),
      queued(1, { tenant: 'acme', data: Symbol('x') as never }),
      queued(1, { tenant: 'acme', data: { toJSON: () => undefined } as never }),
      queued(1, { tenant: 'acme', data: [] as never }),
      queued(1, { tenant: 'acme', data: 'text' as never }),
      queued(1, { tenant: 'acme', sequence: (() => 1) as never }),
      queued(1, { tenant: 'acme', sequence: 7 as never }),
    ];
    for (const [at, event] of wrong.entries()) {
      expect([at, reporter.report(event as ReportedEvent)]).toEqual([at, false]);
      expect(reporter.report(queued(at, { tenant: 'acme' }))).toBe(true);
    }
    await jest.advanceTimersByTimeAsync(200);
    expect(queue.jobs.map((job) => job.length)).toEqual([wrong.length]);
  });

  it('never throws, even if the handler of its errors does', () => {
    const { reporter } = rig({
      onError: () => {
        throw new Error('handler');
      },
    });
    expect(reporter.report({} as ReportedEvent)).toBe(false);
  });

  it('keeps events in order while the queue is away: 20 s at 1,000 a second', async () => {
    const { queue, errors, reporter } = rig();
    queue.away = true;
    for (let tick = 0; tick < 200; tick += 1) {
      for (let i = 0; i < 100; i += 1) reporter.report(queued(tick * 100 + i));
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(reporter.stats()).toEqual({ sent: 0, buffered: 20_000, dropped: 0, refused: 0 });
    expect(errors).toEqual(['away']);
    queue.away = false;
    await jest.advanceTimersByTimeAsync(1_000);
    const ids = queue.jobs.flat().map(({ subject }) => subject);
    expect(ids).toEqual(Array.from({ length: 20_000 }, (_, i) => `job/q/${i}@1`));
    expect(queue.jobs.every(({ length }) => length <= 500)).toBe(true);
    expect(queue.tries).toBeLessThan(100);
  });

  it('counts what finds no room, and says so when the queue is back', async () => {
    const { queue, reporter } = rig({ maxEvents: 100 });
    queue.away = true;
    for (let i = 0; i < 130; i += 1) {
      reporter.report(queued(i, { time: NOW + i, tenant: i % 2 === 0 ? 'acme' : 'umbrella' }));
    }
    expect(reporter.stats()).toMatchObject({ buffered: 100, dropped: 30 });
    queue.away = false;
    expect(await flushed(reporter)).toBe(0);
    await jest.advanceTimersByTimeAsync(200);
    const told = queue.jobs.flat().filter(({ type }) => type === 'reporter.dropped');
    const at = (i: number) => new Date(NOW + i).toISOString();
    expect(told).toMatchObject([
      { tenant: 'acme', data: { events: 15, from: at(100), until: at(128) } },
      { tenant: 'umbrella', data: { events: 15, from: at(101), until: at(129) } },
    ]);
    for (const event of told) {
      expect(parseEvent(event, { nowMs: NOW, maxAgeMs: 0, backfill: true }).ok).toBe(true);
    }
  });

  it('says so, too, when it is closed as soon as the queue is back', async () => {
    const { queue, reporter } = rig({ maxEvents: 100 });
    queue.away = true;
    for (let i = 0; i < 130; i += 1) reporter.report(queued(i));
    await jest.advanceTimersByTimeAsync(1_000);
    queue.away = false;
    const closed = reporter.close();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await closed).toBe(0);
    expect(queue.jobs.flat()).toHaveLength(101);
    expect(queue.jobs.flat().at(-1)).toMatchObject({ type: 'reporter.dropped', data: { events: 30 } });
  });

  it('keeps the last tenth of its room for events that numbers depend on', () => {
    const { queue, reporter } = rig({ maxEvents: 100 });
    queue.away = true;
    const beat: ReportedEvent = { type: 'worker.heartbeat', subject: 'worker/w' };
    for (let i = 0; i < 95; i += 1) reporter.report(beat);
    expect(reporter.stats()).toMatchObject({ buffered: 90, dropped: 5 });
    for (let i = 0; i < 11; i += 1) reporter.report(queued(i));
    expect(reporter.stats()).toMatchObject({ buffered: 100, dropped: 6 });
  });

  it('bounds its memory in characters, too', () => {
    const { queue, reporter } = rig({ maxCharacters: 10_000 });
    queue.away = true;
    for (let i = 0; i < 100; i += 1) reporter.report(queued(i));
    const { buffered, dropped } = reporter.stats();
    expect(buffered + dropped).toBe(100);
    expect(buffered).toBeGreaterThan(25);
    expect(buffered).toBeLessThan(50);
  });

  it('flushes what was reported before, and says what it could not by the deadline', async () => {
    const { queue, reporter } = rig();
    expect(await flushed(reporter)).toBe(0);
    reporter.report(queued(1));
    expect(await flushed(reporter)).toBe(0);
    expect(queue.jobs).toHaveLength(1);
    queue.away = true;
    reporter.report(queued(2));
    expect(await flushed(reporter, 300)).toBe(1);
    queue.away = false;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(queue.jobs).toHaveLength(2);
  });

  it('closes within its deadline, says what is lost, and refuses what comes later', async () => {
    const { queue, errors, reporter } = rig();
    queue.away = true;
    reporter.report(queued(1));
    const closed = reporter.close({ deadlineMs: 500 });
    expect(reporter.report(queued(2))).toBe(false);
    await jest.advanceTimersByTimeAsync(500);
    expect(await closed).toBe(1);
    expect(queue.closed).toBe(true);
    expect(errors).toContain('the reporter is closed');
    const { tries } = queue;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(queue.tries).toBe(tries);
  });

  it('closes with nothing left while the queue is there', async () => {
    const { queue, reporter } = rig();
    for (let i = 0; i < 1_200; i += 1) reporter.report(queued(i));
    expect(await reporter.close()).toBe(0);
    expect(queue.jobs.flat()).toHaveLength(1_200);
  });

  it('takes the platform for the tenant of the same kinds as the catalogue', () => {
    const kinds = Object.entries(catalogue).filter(([, definition]) => 'defaultTenant' in definition);
    expect([...new Set(kinds.map(([type]) => type.slice(0, type.indexOf('.'))))].sort()).toEqual(
      [...PLATFORM_KINDS].sort(),
    );
  });
});

async function flushed(reporter: Reporter, deadlineMs = 1_000): Promise<number> {
  const flush = reporter.flush({ deadlineMs });
  await jest.advanceTimersByTimeAsync(deadlineMs);
  return flush;
}
