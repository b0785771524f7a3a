import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TenantDirectory } from '@quipu/access';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { createLogger, createPool, createRedis, systemClock, WRITER_SESSION } from '@quipu/platform';
import { Queue } from 'bullmq';
import { openLetters } from '../../apps/cli/src/dead-letters/close-letters.js';
import { type Services } from '../../apps/cli/src/support/services.js';
import { Ingest } from '../../apps/projector/src/ingest/ingest.js';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

let database: TestDatabase;
let redis: TestRedis;
let cli: TestCli;
let ingest: Ingest;
let log: EventLog;
let queue: Queue;
const closing: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  const writer = createPool(database.url, { session: WRITER_SESSION });
  const tenants = new TenantDirectory(writer);
  await tenants.ensure(['acme'], 'auto');
  log = new EventLog(writer);
  ingest = new Ingest({
    ...{ redisUrl: redis.url, log, tenants, tenantMode: 'strict', maxEventAgeDays: 400 },
    ...{ clock: systemClock, logger: createLogger('test', 'silent') },
  });
  ingest.start();
  const connection = createRedis(redis.url, 'plain');
  queue = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
  cli = testCli({ database: database.url, redis: redis.url }, systemClock);
  closing.push(
    () => cli.close(),
    () => queue.close(),
    () => connection.disconnect(),
    () => ingest.stop(),
    () => writer.end(),
  );
}, 60_000);

afterAll(async () => {
  for (const close of closing) await close();
  await redis.release();
  await database.drop();
});

const event = (id: string, more: Record<string, unknown> = {}) => ({
  ...{ specversion: '1.0', id, source: 'test', type: 'job.queued', subject: `job/q/${id}@1`, tenant: 'acme' },
  ...{ time: new Date(Date.now() - 60_000).toISOString(), data: { queue: 'q' }, ...more },
});

/** Has events refused, and answers with their letters, in the order given. */
async function refused(...events: { id: string }[]): Promise<string[]> {
  const before = (await cli.json('dead-letters', 'list', '--status', 'all')).data.length;
  await queue.add('bad', { events });
  for (;;) {
    const { data } = await cli.json('dead-letters', 'list', '--status', 'all', '--limit', '1000');
    if (data.length < before + events.length) continue;
    const fresh: { id: string }[] = data.slice(0, events.length);
    const owners = new Map<string, string>();
    for (const { id } of fresh) {
      const { raw } = await cli.json('dead-letters', 'show', id);
      owners.set(JSON.parse(raw).id, id);
    }
    return events.map(({ id }) => owners.get(id)!);
  }
}

const statusOf = async (id: string): Promise<string> => (await cli.json('dead-letters', 'show', id)).status;
const known = async (id: string, tenant = 'acme') =>
  (await log.knownIdentities([{ tenant, source: 'test', id }]))[0];
const audit = async (id: string): Promise<{ action: string; detail: Record<string, unknown> }[]> => {
  const { rows } = await database.pool.query<{ action: string; detail: Record<string, unknown> }>(
    `SELECT action, detail FROM audit WHERE detail->>'id' = $1 AND action LIKE 'dead_letter.%'`,
    [id],
  );
  return rows;
};

describe('dead letters', () => {
  it('are listed in pages and by filter, newest first', async () => {
    const ids = await refused(
      event('l1', { data: { queue: 7 } }),
      event('l2', { tenant: 'nobody' }),
      event('l3', { type: 'job.exploded' }),
    );
    const all = await cli.json('dead-letters', 'list');
    const listed = all.data.map(({ id }: { id: string }) => Number(id));
    expect(listed).toEqual(ids.map(Number).sort((a, b) => b - a));
    expect(all.next).toBeNull();
    const page = await cli.json('dead-letters', 'list', '--limit', '2');
    expect(page.next).toBe(String(listed[1]));
    const last = await cli.json('dead-letters', 'list', '--limit', '2', '--before', page.next);
    expect(last.data).toMatchObject([{ id: String(listed[2]), seen: 1 }]);
    expect(await cli.json('dead-letters', 'list', '--reason', 'invalid-data')).toMatchObject({
      data: [{ id: ids[0], tenant: 'acme' }],
    });
    const filtered = await cli.json(
      'dead-letters',
      'list',
      '--reason',
      'unknown-tenant',
      '--tenant',
      'nobody',
    );
    expect(filtered.data).toHaveLength(1);
    expect((await cli.json('dead-letters', 'list', '--since', '+1h')).data).toEqual([]);
    expect((await cli.run('dead-letters')).out).toMatch(/unknown-type +acme/);
    expect((await cli.run('dead-letters', 'list', '--reason', 'mood')).exitCode).toBe(2);
    expect((await cli.run('dead-letters', 'list', '--limit', '0')).exitCode).toBe(2);
  }, 60_000);

  it('are shown in a way that is safe on a terminal, or as the very bytes', async () => {
    const [id] = await refused(event('s1', { type: 'job.\u001b[2Jx' }));
    const { out } = await cli.run('dead-letters', 'show', id!);
    expect(out).toMatch(/reason +unknown-type/);
    expect(out).toContain('\\u001b[2Jx');
    expect(out).not.toContain('\u001b');
    const raw = (await cli.run('dead-letters', 'show', id!, '--raw')).out;
    expect(JSON.parse(raw)).toMatchObject({ id: 's1' });
    expect((await cli.json('dead-letters', 'show', id!)).raw).toBe(raw);
    expect(await cli.run('dead-letters', 'show', '999999')).toMatchObject({ exitCode: 1 });
    expect(await cli.run('dead-letters', 'show', 'x')).toMatchObject({ exitCode: 2 });
  }, 30_000);

  it('are mended by changes or by a file, and closed only when the log holds the event', async () => {
    const [one, two] = await refused(
      event('m1', { data: { queue: 'q', attempt: 'first' } }),
      event('m2', { data: [] }),
    );
    const bad = await cli.run('dead-letters', 'mend', one!, '--set', 'data.attempt=second');
    expect(bad).toMatchObject({ exitCode: 1, out: expect.stringMatching(/stays open: invalid-data/) });
    expect(await statusOf(one!)).toBe('open');
    expect((await cli.run('dead-letters', 'mend', one!)).exitCode).toBe(2);
    const mended = await cli.json('dead-letters', 'mend', one!, '--set', 'data.attempt=1');
    expect(mended).toEqual([{ id: one, ok: true, positions: [expect.any(String)] }]);
    expect(await known('m1')).toBe(true);
    expect(await statusOf(one!)).toBe('mended');
    expect(await audit(one!)).toMatchObject([
      { action: 'dead_letter.mended', detail: { positions: mended[0].positions, reason: 'invalid-data' } },
    ]);
    const directory = mkdtempSync(join(tmpdir(), 'quipu-letters-'));
    const file = join(directory, 'event.json');
    writeFileSync(file, JSON.stringify(event('m2')));
    expect((await cli.run('dead-letters', 'mend', two!, '--event', file)).exitCode).toBe(0);
    rmSync(directory, { recursive: true });
    expect(await known('m2')).toBe(true);
    const again = await cli.run('dead-letters', 'mend', one!, '--set', 'data.attempt=1');
    expect(again).toMatchObject({ exitCode: 1, err: expect.stringMatching(/is mended already/) });
  }, 60_000);

  it('are replayed after what stood in the way is gone, all at once', async () => {
    const old = new Date(Date.now() - 500 * 86_400_000).toISOString();
    const ids = await refused(
      event('r1', { tenant: 'later' }),
      event('r2', { tenant: 'later' }),
      event('r3', { time: old }),
    );
    const early = await cli.run('dead-letters', 'replay', ids[0]!);
    expect(early).toMatchObject({ exitCode: 1, out: expect.stringMatching(/stays open: unknown-tenant/) });
    expect((await cli.run('dead-letters', 'replay', ids[2]!)).out).toMatch(/stays open: too-old/);
    expect((await cli.run('tenants', 'create', 'later')).exitCode).toBe(0);
    const outcomes = await cli.json('dead-letters', 'replay', '--all', '--tenant', 'later');
    expect(outcomes).toMatchObject([{ ok: true }, { ok: true }]);
    expect((await cli.run('dead-letters', 'replay', ids[2]!, '--import')).exitCode).toBe(0);
    expect([await statusOf(ids[0]!), await known('r1', 'later'), await known('r3')]).toEqual([
      ...['replayed', true, true],
    ]);
    expect((await cli.run('dead-letters', 'replay')).exitCode).toBe(2);
  }, 60_000);

  it('that somebody else closes meanwhile do not end the replay of all', async () => {
    const ids = await refused(...['s1', 's2', 's3'].map((id) => event(id, { data: { attempt: 0 } })));
    const seen: string[] = [];
    const services = { pool: database.pool } as unknown as Services;
    for await (const { id } of openLetters(services, { reason: 'invalid-data' })) {
      seen.push(String(id));
      if (seen.length > 1) continue;
      const closed = await cli.run('dead-letters', 'discard', ids[1]!, '--reason', 'by somebody else');
      expect(closed.exitCode).toBe(0);
    }
    // Others of that reason stand open as well.
    expect(seen.filter((id) => ids.includes(id))).toEqual([ids[0], ids[2]]);
    expect((await cli.run('dead-letters', 'discard', ids[0]!, ids[2]!, '--reason', 'seen')).exitCode).toBe(0);
  }, 30_000);

  it('whose event is in the log already are closed without sending anything', async () => {
    // What a kill leaves behind: the event was taken, the letter not yet closed.
    const sent = event('k1');
    const [id] = await refused(event('k1', { data: { queue: 7 }, time: sent.time }));
    await cli.json('dead-letters', 'mend', id!, '--set', 'data.queue=q');
    await database.pool.query(`UPDATE dead_letters SET status = 'open' WHERE id = $1`, [id]);
    await queue.pause();
    expect(await cli.json('dead-letters', 'mend', id!, '--set', 'data.queue=q')).toMatchObject([
      { ok: true },
    ]);
    await queue.resume();
    expect(await statusOf(id!)).toBe('mended');
  }, 30_000);

  it('with the identity of another event cannot be replayed, only mended or discarded', async () => {
    await queue.add('good', { events: [event('c1')] });
    const [id] = await refused(event('c1', { data: { queue: 'other' } }));
    expect((await cli.run('dead-letters', 'replay', id!)).out).toMatch(/with another body/);
    expect(await cli.run('dead-letters', 'discard', id!, '--reason', ' ')).toMatchObject({ exitCode: 2 });
    expect((await cli.run('dead-letters', 'discard', id!, '--reason', 'sent twice')).exitCode).toBe(0);
    expect(await statusOf(id!)).toBe('discarded');
    expect(await audit(id!)).toMatchObject([
      { action: 'dead_letter.discarded', detail: { why: 'sent twice' } },
    ]);
    await expect(database.pool.query(`UPDATE dead_letters SET status = 'lost'`)).rejects.toThrow(
      /dead_letters_status/,
    );
  }, 30_000);

  it('stay open when the command is interrupted before the log has the event', async () => {
    const [id] = await refused(event('i1', { data: { queue: 7 } }));
    await queue.pause();
    const interrupted = testCli({ database: database.url, redis: redis.url }, systemClock);
    const run = interrupted.run('dead-letters', 'mend', id!, '--set', 'data.queue=q');
    while ((await queue.count()) === 0);
    interrupted.interrupt.abort();
    expect(await run).toMatchObject({ exitCode: 130, err: expect.stringMatching(/run the command again/) });
    interrupted.close();
    expect(await statusOf(id!)).toBe('open');
    await queue.resume();
    expect((await cli.run('dead-letters', 'mend', id!, '--set', 'data.queue=q')).exitCode).toBe(0);
    expect(await statusOf(id!)).toBe('mended');
  }, 30_000);
});
