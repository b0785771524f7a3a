import { spawnSync } from 'node:child_process';
import type { Response } from 'light-my-request';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const T = Date.UTC(2026, 2, 1);
const HOUR = 3_600_000;

interface EventRow {
  type: string;
  time: string;
  dataversion: number;
  data: Record<string, unknown>;
  tenant?: string;
  position?: string;
}

interface Row {
  entity: string;
  tenant: string;
  user: string | null;
  life: string;
  level: string;
  height: number;
  amount: string;
  estimated: boolean;
  queued: number;
  events: EventRow[];
}

interface Answer {
  total: string;
  data: [Row, Row, ...Row[]];
  next: string | null;
}

/** Two tenants with jobs of the same subject, nodes, a retry closed by an estimate, and a correction that comes late. */
describe('why a number is what it is, over HTTP', () => {
  let system: TestSystem;
  const keys: Record<string, string> = {};

  beforeAll(async () => {
    system = await startTestSystem({ now: T + 10 * HOUR });
    for (const id of ['acme', 'umbrella']) await system.tenants.create({ id });
    keys['root'] = await system.principal('superadmin', 'root', 'superadmin');
    keys['acme'] = await system.principal('acme', 'admin', 'admin');
    keys['george'] = await system.principal('acme', 'george', 'user');
    keys['umbrella'] = await system.principal('umbrella', 'admin', 'admin');
    keys['reporter'] = await system.principal('acme', 'ci', 'reporter');
    const job = (type: string, at: number, data = {}, tenant = 'acme') => ({
      ...{ type: `job.${type}`, tenant, subject: 'job/build/1@17', time: T + at * HOUR },
      data: { queue: 'build', ...data },
    });
    await system.report([
      job('queued', 0, { user: 'george', nodes: 4 }),
      job('started', 1),
      job('failed', 3, { final: false }),
      job('started', 4, { attempt: 2 }),
      job('queued', 6, { attempt: 3 }),
      job('queued', 0, { user: 'eve', nodes: 9 }, 'umbrella'),
      job('started', 2, {}, 'umbrella'),
      node('allocated', 1, { user: 'ann' }),
      node('released', 9, {}),
      { type: 'job.queued', tenant: 'acme', subject: 'job/late', time: T + 5 * HOUR, data: { user: 'ann' } },
    ]);
  }, 60_000);
  afterAll(() => system.stop());

  const node = (type: string, at: number, data: Record<string, unknown>) => ({
    ...{ type: `node.${type}`, tenant: 'acme', subject: 'node/k1/a', time: T + at * HOUR },
    data,
  });
  const get = (key: string, url: string, query: Record<string, string> = {}): Promise<Response> =>
    system.request({ method: 'GET', url, query, headers: { authorization: `Bearer ${keys[key]}` } });
  const why = async (key: string, query: Record<string, string>): Promise<Answer> => {
    const response = await get(key, '/api/why', query);
    expect([response.statusCode, response.body]).toEqual([200, expect.anything()]);
    return response.json();
  };

  it('exports a number for a superadmin, as a file that a program of its own computes again', async () => {
    const question = { measure: 'node_seconds', tenant: 'acme', end: '2026-03-01T08:00:00Z' };
    const answer = await get('root', '/api/why/export', question);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/x-ndjson');
    const options = { input: answer.body, encoding: 'utf8' as const };
    const checked = spawnSync(process.execPath, ['tools/check.mjs', '--json', '-'], options);
    expect(checked.status).toBe(0);
    const { total } = await why('acme', question);
    expect(JSON.parse(checked.stdout)).toMatchObject({ number: total, differences: [] });
    expect((await get('acme', '/api/why/export', question)).statusCode).toBe(403);
    const wrong = await get('root', '/api/why/export', { measure: 'node_seconds', tenant: 'nobody' });
    expect([wrong.statusCode, wrong.headers['content-type']]).toEqual([
      404,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
    expect((await get('root', '/api/why/export', { measure: 'queued', end: 'now' })).statusCode).toBe(400);
  });

  it('lists the intervals that add up to the number, largest first, with the events behind them', async () => {
    const answer = await why('acme', { measure: 'node_seconds' });
    expect(answer).toMatchObject({
      measure: 'node_seconds',
      unit: 'node-seconds',
      total: String(4 * 2 * 3600 + 4 * 2 * 3600 + 8 * 3600),
      entities: 2,
      intervals: 3,
      next: null,
    });
    expect(
      answer.data.map((row: Row) => [row.entity, row.life, row.amount, row.height, row.estimated]),
    ).toEqual([
      ['job/build/1@17', '1', '28800', 4, false],
      ['job/build/1@17', '2', '28800', 4, true],
      ['node/k1/a', '', '28800', 1, false],
    ]);
    const [first, second] = answer.data;
    expect(first.events.map((event: EventRow) => event.type)).toEqual([
      'job.queued',
      'job.started',
      'job.failed',
    ]);
    // The user was told in the first attempt, and the third one's queueing is what ended the second.
    expect(second.events.map((event: EventRow) => [event.type, event.time])).toEqual(
      expect.arrayContaining([
        ['job.queued', new Date(T).toISOString()],
        ['job.started', new Date(T + 4 * HOUR).toISOString()],
        ['job.queued', new Date(T + 6 * HOUR).toISOString()],
      ]),
    );
    expect(first.events[0]).toMatchObject({ token: expect.stringMatching(/^[\w-]{22}$/) });
    expect(first.events[0]).not.toHaveProperty('position');
  });

  it('agrees with usage and queues under every filter, and tells superadmins positions', async () => {
    for (const filter of [
      {},
      { tenant: 'acme' },
      { user: 'george' },
      { queue: 'build' },
      { cluster: 'k1' },
    ]) {
      for (const [measure, level] of [
        ['node_seconds', 'nodes'],
        ['running_seconds', 'running'],
        ['waiting_seconds', 'waiting'],
      ] as const) {
        const window = { ...filter, start: String(T / 1000 + 5400), end: String(T / 1000 + 7 * 3600) };
        const usage = (await get('root', '/api/usage', { ...window, level })).json();
        expect([filter, measure, (await why('root', { ...window, measure })).total]).toEqual([
          ...[filter, measure, usage.total],
        ]);
      }
    }
    const queued = await why('root', { measure: 'queued', tenant: 'acme' });
    expect(queued.data.map((row: Row) => row.entity).sort()).toEqual(['job/build/1@17', 'job/late']);
    expect(queued.data[0].events[0]).toMatchObject({ position: expect.stringMatching(/^\d+$/) });
    const queues = (await get('root', '/api/queues', { tenant: 'acme' })).json();
    const depth = queues.data.reduce((sum: number, row: Row) => sum + Number(row.queued), 0);
    expect(queued.total).toBe(String(depth));
    expect((await why('root', { measure: 'nodes', at: '2026-03-01T02:30:00Z', tenant: 'acme' })).total).toBe(
      '5',
    );
    expect((await why('root', { measure: 'running', at: '2026-03-01T02:30:00Z' })).total).toBe('2');
  });

  it('shows each caller its own and nothing else', async () => {
    expect((await why('umbrella', { measure: 'node_seconds' })).data.map((row: Row) => row.tenant)).toEqual([
      'umbrella',
    ]);
    expect((await why('george', { measure: 'waiting_seconds' })).data.map((row: Row) => row.user)).toContain(
      'george',
    );
    const other = await get('umbrella', '/api/why', { measure: 'node_seconds', tenant: 'acme' });
    const none = await get('umbrella', '/api/why', { measure: 'node_seconds', tenant: 'nobody' });
    expect([other.statusCode, none.statusCode]).toEqual([404, 404]);
    expect(other.body.replace('acme', 'x')).toBe(none.body.replace('nobody', 'x'));
    expect((await get('reporter', '/api/why', { measure: 'node_seconds' })).statusCode).toBe(403);
    expect((await get('nokey', '/api/why', { measure: 'node_seconds' })).statusCode).toBe(401);
  });

  it('turns pages that add up, and stand where the first one stood though the ledger goes on', async () => {
    const first = await why('acme', { measure: 'node_seconds', limit: '1' });
    const later = { type: 'node.released', tenant: 'acme', subject: 'node/k1/a', time: T + 2 * HOUR };
    await system.report([later]);
    let sum = Number(first.data[0].amount);
    let next: string | null = first.next;
    let pages = 1;
    for (; next !== null; pages += 1) {
      const page = await why('acme', { measure: 'node_seconds', limit: '1', cursor: next });
      expect(page.total).toBe(first.total);
      sum += Number(page.data[0].amount);
      next = page.next;
    }
    expect([pages, String(sum)]).toEqual([3, first.total]);
    expect((await why('acme', { measure: 'node_seconds' })).total).toBe(
      String(Number(first.total) - 7 * 3600),
    );
  });

  it('answers what the ledger said then, by time and by token', async () => {
    const before = await get('acme', '/api/why', {
      measure: 'node_seconds',
      user: 'george',
      end: '2026-03-02',
    });
    const token = before.headers['quipu-token'] as string;
    const correction = { queue: 'build', user: 'ann', attempt: 1 };
    const subject = 'job/build/1@17';
    await system.report([
      { type: 'job.failed', tenant: 'acme', subject, time: T + 3 * HOUR + 1, data: correction },
    ]);
    const now = await why('acme', { measure: 'node_seconds', user: 'george', end: '2026-03-02' });
    expect(Number(now.total)).toBeLessThan(Number(before.json().total));
    const query = { measure: 'node_seconds', user: 'george', end: '2026-03-02', asOf: token };
    expect((await why('acme', query)).data).toEqual(before.json().data);
    expect((await why('acme', query)).total).toBe(before.json().total);
    expect((await why('acme', { ...query, asOf: '2026-02-01' })).total).toBe('0');
    const position = before.headers['quipu-position'];
    expect(position).toBeUndefined();
  });

  it('refuses what it does not know, and says what it knows', async () => {
    for (const [query, text] of [
      [{}, 'measure'],
      [{ measure: 'nonsense' }, 'node_seconds'],
      [{ measure: 'node_seconds', color: 'red' }, 'color'],
      [{ measure: 'node_seconds', at: 'now' }, 'at'],
      [{ measure: 'queued', start: '2026-01-01' }, 'start'],
      [{ measure: 'node_seconds', start: '2026-02-01', end: '2026-01-01' }, 'end'],
      [{ measure: 'node_seconds', asOf: 'yesterday' }, 'asOf'],
      [{ measure: 'node_seconds', asOf: '@12' }, 'asOf'],
      [{ measure: 'node_seconds', cursor: 'abc' }, 'cursor'],
    ] as const) {
      const response = await get('acme', '/api/why', query);
      expect([query, response.statusCode, response.json().detail]).toEqual([
        ...[query, 400, expect.stringContaining(text)],
      ]);
      expect(response.headers['content-type']).toContain('application/problem+json');
    }
  });

  describe('jobs and nodes', () => {
    it('are told with state, intervals and timeline', async () => {
      const job = (await get('acme', '/api/jobs/build%2F1%4017', { limit: '3' })).json();
      expect(job).toMatchObject({ entity: 'job/build/1@17', tenant: 'acme', status: 'waiting' });
      expect(job.intervals.map(({ level, life, estimated }: Row) => [level, life, estimated])).toContainEqual(
        [...['running', '2', true]],
      );
      expect(job.events.map(({ type, dataversion }: EventRow) => [type, dataversion])).toEqual([
        ['job.queued', 1],
        ['job.started', 1],
        ['job.failed', 1],
      ]);
      const rest = (await get('acme', '/api/jobs/build%2F1%4017', { limit: '3', cursor: job.next })).json();
      expect(rest.events.map(({ type }: EventRow) => type)).toEqual([
        'job.started',
        'job.queued',
        'job.failed',
      ]);
      expect(rest.next).toBeNull();
      const held = (await get('acme', '/api/nodes/k1%2Fa')).json();
      expect(held).toMatchObject({ status: 'released', fields: { cluster: 'k1', user: 'ann' } });
    });

    it('of others are as unknown as those that do not exist', async () => {
      const bodies = new Set<string>();
      for (const [key, url] of [
        ['umbrella', '/api/jobs/late'],
        ['umbrella', '/api/jobs/nothing'],
        ['george', '/api/jobs/late'],
        ['acme', '/api/jobs/%00'],
      ] as const) {
        const response = await get(key, url);
        expect([key, url, response.statusCode]).toEqual([key, url, 404]);
        bodies.add(response.body);
      }
      expect(bodies.size).toBe(1);
      const own = (await get('umbrella', '/api/jobs/build%2F1%4017')).json();
      expect(own.events.map(({ tenant, data }: EventRow) => [tenant, data['user']])[0]).toEqual([
        undefined,
        'eve',
      ]);
    });

    it('need a tenant from superadmins, since two may have the same', async () => {
      expect((await get('root', '/api/jobs/build%2F1%4017')).statusCode).toBe(400);
      const job = (await get('root', '/api/jobs/build%2F1%4017', { tenant: 'umbrella' })).json();
      expect(job).toMatchObject({ tenant: 'umbrella', status: 'running', fields: { user: 'eve', nodes: 9 } });
      expect(job.events[0]).toMatchObject({ position: expect.stringMatching(/^\d+$/) });
    });
  });
});
