import { jest } from '@jest/globals';
import { hostname } from 'node:os';
import { parseEvent } from '@quipu/contracts';
import { Reporter } from '../reporter.js';
import { FleetMember } from './fleet-member.js';
import type { WorkerDescription } from './options.js';

/** An event as it was sent. */
interface Sent {
  readonly type: string;
  readonly subject: string;
  readonly data: Record<string, unknown>;
}

/** What a worker tells from its start to its end, all of which the log takes. */
async function told(description: WorkerDescription, name?: string): Promise<Sent[]> {
  const sent: Sent[] = [];
  const send = (events: readonly string[]) => {
    for (const json of events) {
      const event = JSON.parse(json) as Sent;
      const parsed = parseEvent(event, { nowMs: Date.now(), maxAgeMs: 86_400_000, backfill: false });
      expect([event.type, parsed]).toMatchObject([event.type, { ok: true }]);
      sent.push(event);
    }
    return Promise.resolve();
  };
  const reporter = new Reporter({ connection: '', source: 'test' }, { send, close: () => undefined });
  const member = new FleetMember(reporter, description, 'q', name);
  member.join(4);
  member.leave();
  expect(await reporter.close()).toBe(0);
  return sent;
}

describe('a worker of the fleet', () => {
  it('is told within the limits of the log, whatever its description says', async () => {
    const long = 'x'.repeat(600);
    const of = { pool: long, host: long, type: long, hostArchitecture: long };
    const architectures = ['', ...Array.from({ length: 70 }, () => long)];
    const [registered] = await told({ ...of, id: `${long}1`, architectures });
    const [other] = await told({ ...of, id: `${long}2` });
    expect(registered!.subject).toHaveLength(512);
    expect(registered!.subject).not.toBe(other!.subject);
    expect(registered!.data).toMatchObject({ pool: 'x'.repeat(200), type: 'x'.repeat(200), concurrency: 4 });
    expect(registered!.data['architectures']).toHaveLength(64);
    const texts = { pool: 'a\u0000', host: 'b\ud800', id: 'c\ud800' };
    expect((await told(texts))[0]).toMatchObject({
      subject: 'worker/c\uFFFD',
      data: { pool: 'a\uFFFD', host: 'b\uFFFD' },
    });
    const made = (await told({ host: long }))[0]!.subject;
    expect(made).toHaveLength(512);
  });

  it('takes what is empty for what is not there', async () => {
    const [registered, ...rest] = await told(
      { id: '', pool: '', host: '', type: '', hostArchitecture: '' },
      '',
    );
    expect(registered!.subject).toContain(`worker/${hostname()}/q/${process.pid}`);
    expect(registered!.data).toMatchObject({ type: 'external', host: hostname() });
    expect(registered!.data).not.toHaveProperty('pool');
    expect(rest.at(-1)?.type).toBe('worker.retired');
    const lasting = await told({ id: '' }, 'named');
    expect(lasting.map(({ type, subject }) => [type, subject]).at(-1)).toEqual([
      ...['worker.disconnected', 'worker/named'],
    ]);
  });

  it('cannot belong to what is no tenant: its jobs would name it, and be refused', async () => {
    await expect(told({ tenant: 'no tenant' })).rejects.toThrow('no tenant is no tenant id');
  });

  describe('that is still there', () => {
    const MINUTE = 60_000;

    beforeEach(() => {
      jest.useFakeTimers();
    });
    afterEach(() => {
      jest.useRealTimers();
      delete process.env['QUIPU_WORKER_LEASE_SECONDS'];
    });

    /** Heartbeats of the first minute, besides the one at its start. */
    async function beats(leaseSeconds: number | undefined): Promise<number> {
      const reporter = new Reporter(
        { connection: '', source: 'test', flushMs: 2 * MINUTE },
        { send: () => Promise.resolve(), close: () => undefined },
      );
      const member = new FleetMember(reporter, {}, 'q', 'w');
      member.join(1, leaseSeconds);
      const before = reporter.stats().buffered;
      await jest.advanceTimersByTimeAsync(MINUTE);
      const { buffered, sent } = reporter.stats();
      member.leave();
      return buffered + sent - before;
    }

    it.each([
      [undefined, 3],
      [30, 6],
      [0, 3],
      [-5, 3],
      [Number.NaN, 3],
      [Infinity, 3],
      ['soon' as never, 3],
      [1e-6, 600],
      [7_000_000, 0],
      [Number.MAX_VALUE, 0],
    ])('says so, with a lease of %p, %d times a minute', async (lease, times) => {
      expect(await beats(lease)).toBe(times);
    });

    it.each([
      ['30', 6],
      ['0', 3],
      ['1e308', 0],
      ['soon', 3],
    ])('says so, with a lease of %p in the environment, %d times a minute', async (lease, times) => {
      process.env['QUIPU_WORKER_LEASE_SECONDS'] = lease;
      expect(await beats(undefined)).toBe(times);
    });
  });
});
