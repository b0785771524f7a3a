import { type LogEvent, parseEvent } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { sampleCloudEvent } from '../../../projector/test/sample-job.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import type { JobState, SentJob } from './event-queue.js';
import { LogReceipts } from './log-receipt.js';

describe('LogReceipts', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
  });
  afterAll(() => database.drop());

  function event(parts: Record<string, unknown> = {}): LogEvent {
    const parsed = parseEvent(sampleCloudEvent(parts), {
      nowMs: Date.now(),
      maxAgeMs: 86_400_000,
      backfill: false,
    });
    if (!parsed.ok) throw new Error(parsed.detail);
    return parsed.event;
  }

  /** One job with these events; indexes count from `first`. */
  const jobOf = (id: string, events: LogEvent[], first = 0): SentJob => ({
    id,
    events: events.map((each, i) => ({ index: first + i, event: each, size: 1 })),
  });

  /** A queue that answers what it is told to, the last answer for ever. */
  function queueOf(...answers: (Record<string, JobState> | Error)[]) {
    const forgotten: string[] = [];
    return {
      forgotten,
      states(ids: readonly string[]): Promise<JobState[]> {
        const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
        if (answer instanceof Error) return Promise.reject(answer);
        return Promise.resolve(ids.map((id) => answer[id]!));
      },
      forget: (ids: readonly string[]) => void forgotten.push(...ids),
    };
  }

  const pending = { state: 'pending' } as const;
  const gone = { state: 'gone' } as const;

  it('takes the outcomes that the jobs carry, in the order of the request', async () => {
    const [a, b, c] = [event(), event(), event()];
    const { lastPosition } = await log.append({ events: [a, c] });
    const done = { state: 'done', value: ['appended', 'refused'] } as const;
    const queue = queueOf(
      { j1: pending, j2: pending },
      { j1: done, j2: pending },
      { j2: { state: 'done', value: ['duplicate'] } },
    );
    const receipt = await new LogReceipts(queue, log).wait(
      [jobOf('j1', [a, b]), jobOf('j2', [c], 2)],
      0n,
      5_000,
    );
    expect(receipt).toEqual({
      appended: [0],
      duplicates: [2],
      conflicts: [],
      refused: [1],
      position: lastPosition,
    });
    expect(queue.forgotten).toEqual(['j1', 'j2']);
  });

  it.each([
    ['the job is gone', queueOf({ j: gone })],
    ['the job carries nothing', queueOf({ j: { state: 'done', value: null } })],
    ['Redis is away', queueOf(new Error('away'))],
  ])('asks the log where %s', async (_, queue) => {
    const [known, conflict] = [event(), event()];
    await log.append({ events: [known, conflict] });
    const head = (await log.head()).position;
    const [fresh, refused] = [event(), event()];
    const changed = { ...conflict, data: { user: 'somebody else' } };
    const raw = Buffer.from(JSON.stringify({ source: refused.source, id: refused.id }));
    await log.append({
      events: [fresh, changed],
      deadLetters: [{ raw, reason: 'refused-by-log', detail: 'no', tenant: refused.tenant }],
    });
    const receipt = await new LogReceipts(queue, log).wait(
      [jobOf('j', [known, fresh, changed, refused])],
      head,
      5_000,
    );
    expect(receipt).toMatchObject({ appended: [1], duplicates: [0], conflicts: [2], refused: [3] });
    expect(receipt?.position).toBeGreaterThan(head);
  });

  it('gives up in time, and never says of an event that may still come that it was refused', async () => {
    for (const queue of [queueOf({ j: pending }), queueOf({ j: gone }), queueOf(new Error('away'))]) {
      expect(await new LogReceipts(queue, log).wait([jobOf('j', [event()])], 0n, 200)).toBeNull();
    }
  });
});
