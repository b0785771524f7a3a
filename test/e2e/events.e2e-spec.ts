import { gzipSync } from 'node:zlib';
import type { Response } from 'light-my-request';
import { sampleCloudEvent, until } from '../../apps/projector/test/sample-job.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const JSON_TYPE = 'application/json';
const ONE = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
const LINES = 'application/x-ndjson';

describe('POST /api/events', () => {
  let system: TestSystem;
  let reporter: string;
  let superadmin: string;

  beforeAll(async () => {
    system = await startTestSystem();
    for (const id of ['acme', 'globex']) await system.tenants.create({ id, name: `${id} inc` });
    reporter = await system.principal('acme', 'bot', 'reporter');
    superadmin = await system.principal('superadmin', 'root', 'superadmin');
  });
  afterAll(() => system.stop());

  interface Sending {
    key?: string;
    type?: string;
    query?: string;
    headers?: Record<string, string>;
  }

  function post(
    payload: unknown,
    { key = reporter, type = JSON_TYPE, query = '', headers }: Sending = {},
  ): Promise<Response> {
    const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    return system.request({
      method: 'POST',
      url: `/api/events${query}`,
      payload: body,
      headers: { 'content-type': type, authorization: `Bearer ${key}`, ...headers },
    });
  }

  async function isLogged(event: Record<string, unknown>): Promise<boolean> {
    const { tenant, source, id } = event as Record<string, string>;
    return (await system.log.locate([{ tenant: tenant!, source: source!, id: id! }]))[0] !== null;
  }

  describe('takes', () => {
    it.each([
      ['one event', ONE, (event: object) => JSON.stringify(event)],
      ['one event as plain JSON', JSON_TYPE, (event: object) => JSON.stringify(event)],
      [
        'one event with white space and a charset',
        `${JSON_TYPE}; Charset="UTF-8"`,
        (event: object) => `\n ${JSON.stringify(event, null, 2)}\n`,
      ],
      [
        'one event with the other name of its charset',
        `${ONE};charset=utf8`,
        (event: object) => JSON.stringify(event),
      ],
      ['one event behind a byte order mark', ONE, (event: object) => `\uFEFF${JSON.stringify(event)}`],
      ['a batch', BATCH, (event: object) => JSON.stringify([event])],
      ['a batch as plain JSON', JSON_TYPE, (event: object) => ` [${JSON.stringify(event)}] `],
      ['lines', LINES, (event: object) => `${JSON.stringify(event)}\n`],
      [
        'lines with blank ones, CRLF and no newline at the end',
        LINES,
        (event: object) => `\r\n\n${JSON.stringify(event)}`,
      ],
    ])('%s', async (_, type, write) => {
      const event = sampleCloudEvent();
      const plain = await post(write(event), { type });
      expect([plain.statusCode, plain.json()]).toEqual([202, { accepted: 1, rejected: [] }]);
      await until(() => isLogged(event));
      const zipped = sampleCloudEvent();
      const answer = await post(gzipSync(write(zipped)), { type, headers: { 'content-encoding': 'gzip' } });
      expect([answer.statusCode, answer.json()]).toEqual([202, { accepted: 1, rejected: [] }]);
      await until(() => isLogged(zipped));
    });

    it('nothing at all', async () => {
      for (const [body, type] of [
        ['[]', BATCH],
        ['\n', LINES],
      ] as const) {
        const answer = await post(body, { type });
        expect([answer.statusCode, answer.json()]).toEqual([202, { accepted: 0, rejected: [] }]);
        const waited = await post(body, { type, query: '?ack=log' });
        expect([waited.statusCode, waited.json()]).toEqual([
          200,
          { accepted: 0, rejected: [], new: [], duplicates: [], conflicts: [], token: null },
        ]);
      }
    });

    it('many, in several jobs', async () => {
      const events = Array.from({ length: 1_200 }, () => sampleCloudEvent());
      const answer = await post(events.map((event) => JSON.stringify(event)).join('\n'), {
        type: LINES,
        query: '?ack=log',
      });
      expect(answer.statusCode).toBe(200);
      expect(answer.json()).toMatchObject({ accepted: 1_200, rejected: [], duplicates: [], conflicts: [] });
      expect(answer.json().new).toEqual(events.map((_event, index) => index));
    });

    it('old events from a superadmin who says that they are', async () => {
      const old = () => sampleCloudEvent({ time: '1993-10-01T00:00:00Z' });
      expect((await post(old(), { key: superadmin })).json().rejected).toMatchObject([{ reason: 'too-old' }]);
      expect((await post(old(), { query: '?import=true' })).statusCode).toBe(403);
      const answer = await post(old(), { key: superadmin, query: '?import=true&ack=log' });
      expect(answer.json()).toMatchObject({ accepted: 1, new: [0] });
    });
  });

  describe('refuses', () => {
    it('what is no event, by its index and with the reason, and takes the rest', async () => {
      const good = [sampleCloudEvent(), sampleCloudEvent()];
      const bad = [
        17,
        sampleCloudEvent({ type: 'job.unheard' }),
        sampleCloudEvent({ data: { nodes: -1 } }),
        sampleCloudEvent({ time: '2999-01-01T00:00:00Z' }),
        sampleCloudEvent({ data: { n: 2 ** 60 } }),
        sampleCloudEvent({ data: { text: 'x'.repeat(70_000) } }),
      ];
      const answer = await post([good[0], ...bad, good[1]]);
      expect(answer.statusCode).toBe(202);
      expect(answer.json()).toEqual({
        accepted: 2,
        rejected: [
          { index: 1, reason: 'malformed', detail: 'event: expected an object, got 17' },
          { index: 2, reason: 'unknown-type', detail: expect.stringContaining('job.unheard') },
          { index: 3, reason: 'invalid-data', detail: expect.stringContaining('data.nodes') },
          { index: 4, reason: 'too-far-ahead', detail: expect.any(String) },
          { index: 5, reason: 'bad-number', detail: expect.any(String) },
          { index: 6, reason: 'too-large', detail: expect.any(String) },
        ],
      });
      await until(() => isLogged(good[1]!));
      expect(await system.log.countDeadLetters()).toEqual(new Map());
    });

    it('lines that are no JSON, each for itself', async () => {
      const good = sampleCloudEvent();
      const answer = await post(`{"cut\n${JSON.stringify(good)}\n\n${'"x'.repeat(600_000)}`, { type: LINES });
      expect(answer.json()).toMatchObject({
        accepted: 1,
        rejected: [
          { index: 0, reason: 'malformed' },
          { index: 2, reason: 'too-large' },
        ],
      });
    });

    it('with 422 where nothing is good', async () => {
      const answer = await post([17, sampleCloudEvent({ id: '' })]);
      expect(answer.statusCode).toBe(422);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.json()).toMatchObject({
        title: 'Unprocessable content',
        status: 422,
        detail: 'All 2 events are refused.',
        accepted: 0,
        rejected: [
          { index: 0, reason: 'malformed' },
          { index: 1, reason: 'malformed' },
        ],
      });
    });

    it('with 422 and in the singular where one is alone', async () => {
      const answer = await post({});
      expect([answer.statusCode, answer.json().detail]).toEqual([422, 'The event is refused.']);
    });

    it.each([
      ['JSON that is cut off', JSON_TYPE, '{"specversion":', 400],
      ['an array that is cut off', BATCH, `[${JSON.stringify(sampleCloudEvent())}`, 400],
      ['an array with something behind it', BATCH, '[] []', 400],
      ['an array with a gap', BATCH, '[{},,{}]', 400],
      ['an array with a comma at the end', BATCH, '[{},]', 400],
      ['one event where a batch is announced', BATCH, JSON.stringify(sampleCloudEvent()), 400],
      ['no body', JSON_TYPE, '', 400],
      ['bytes that are no UTF-8', JSON_TYPE, Buffer.from([0x22, 0xff, 0x22]), 400],
      ['nesting without end', BATCH, '['.repeat(1_000_000), 400],
      ['text', 'text/plain', 'hello', 415],
      ['a form', 'application/x-www-form-urlencoded', 'a=b', 415],
      ['another charset', 'application/json; charset=latin1', '[]', 415],
      ['too many events', BATCH, `[${new Array(5_001).fill('1').join(',')}]`, 413],
      ['too many lines', LINES, '1\n'.repeat(5_001), 413],
      ['too many bytes', LINES, ' '.repeat((8 << 20) + 1), 413],
    ])('%s as a problem document', async (_, type, body, status) => {
      const answer = await post(body, { type });
      expect([answer.statusCode, answer.json().status]).toEqual([status, status]);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    });

    it.each([
      ['a bomb', 'gzip', gzipSync(Buffer.alloc(100 << 20, ' ')), 413],
      ['gzip that is cut off', 'gzip', gzipSync('[]').subarray(0, 15), 400],
      ['no gzip', 'gzip', Buffer.from('[]'), 400],
      ['another encoding', 'br', Buffer.from('[]'), 415],
    ])('%s', async (_, encoding, body, status) => {
      const answer = await post(body, { type: BATCH, headers: { 'content-encoding': encoding } });
      expect([answer.statusCode, answer.json().status]).toEqual([status, status]);
    });

    it.each([
      ['plain JSON', JSON_TYPE, 415],
      ['lines', LINES, 415],
      ['whatever it is', 'application/octet-stream', 415],
      ['an event that has them as well', ONE, 202],
    ])('attributes in headers: the body is %s', async (_, type, status) => {
      const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-type': 'job.queued', 'ce-source': 's' };
      const answer = await post(sampleCloudEvent(), { type, headers });
      expect(answer.statusCode).toBe(status);
      if (status === 415) expect(answer.json().hint).toContain('application/cloudevents+json');
    });

    it('parameters it does not know', async () => {
      for (const query of ['?acc=log', '?ack=disk', '?ack=log&ack=log', '?import=1']) {
        expect((await post([], { query })).statusCode).toBe(400);
      }
    });
  });

  describe('lets', () => {
    const of = (tenant: string, parts = {}) => sampleCloudEvent({ tenant, ...parts });
    const verdict = async (event: object, key: string) => {
      const answer = await post(event, { key });
      return answer.statusCode === 202 ? 'taken' : (answer.json().rejected?.[0]?.reason ?? answer.statusCode);
    };

    it('a reporter report for its own tenant only, and nobody for tenants that do not exist', async () => {
      expect(await verdict(of('acme'), reporter)).toBe('taken');
      expect(await verdict(of('globex'), reporter)).toBe('foreign-tenant');
      expect(await verdict(of('nobody'), reporter)).toBe('foreign-tenant');
      expect(await verdict(of('globex'), superadmin)).toBe('taken');
      expect(await verdict(of('nobody'), superadmin)).toBe('unknown-tenant');
      expect(await verdict(of('globex inc'), superadmin)).toBe('malformed');
      expect((await system.tenants.list()).map(({ id }) => id)).not.toContain('nobody');
    });

    it('a reporter send jobs, nodes, workflows and artifacts only', async () => {
      const node = of('acme', { type: 'node.allocated', subject: 'node/c/n', data: {} });
      const workflow = of('acme', { type: 'workflow.created', subject: 'workflow/w', data: {} });
      const worker = of('acme', { type: 'worker.connected', subject: 'worker/w', data: {} });
      expect(await verdict(node, reporter)).toBe('taken');
      expect(await verdict(workflow, reporter)).toBe('taken');
      expect(await verdict(worker, reporter)).toBe('foreign-type');
      expect(await verdict(worker, superadmin)).toBe('taken');
    });

    it('a reporter name workers of its own tenant only', async () => {
      const assigned = (data: object) => of('acme', { type: 'job.assigned', data });
      expect(await verdict(assigned({ worker: 'w', workerTenant: 'acme' }), reporter)).toBe('taken');
      expect(await verdict(assigned({ worker: 'w' }), reporter)).toBe('foreign-worker');
      expect(await verdict(assigned({ worker: 'w', workerTenant: 'superadmin' }), reporter)).toBe(
        'foreign-worker',
      );
      expect(await verdict(assigned({ workerTenant: 'globex' }), reporter)).toBe('foreign-worker');
      expect(await verdict(assigned({ worker: 'w' }), superadmin)).toBe('taken');
    });

    it('a reporter name the scope of its own tenant only', async () => {
      const artifact = (data: object) =>
        of('acme', { type: 'artifact.created', subject: 'artifact/a', data: { category: 'c', ...data } });
      expect(await verdict(artifact({}), reporter)).toBe('taken');
      expect(await verdict(artifact({ scope: 'acme' }), reporter)).toBe('taken');
      for (const scope of ['globex', 'acme-2', '']) {
        expect([scope, await verdict(artifact({ scope }), reporter)]).toEqual([scope, 'foreign-scope']);
      }
      expect(await verdict(artifact({ scope: 'globex' }), superadmin)).toBe('taken');
    });

    it('a bound reporter use its sources only', async () => {
      const bound = await system.principal('acme', 'ci', 'reporter', 'ci/');
      expect(await verdict(of('acme', { source: 'ci/build-7' }), bound)).toBe('taken');
      expect(await verdict(of('acme', { source: 'ci' }), bound)).toBe('foreign-source');
    });

    it('a reporter say nothing in the name of the platform', async () => {
      const bound = await system.principal('acme', 'cuckoo', 'reporter', 'quipu/');
      for (const key of [reporter, bound]) {
        expect(await verdict(of('acme', { source: 'quipu/sweeper' }), key)).toBe('foreign-source');
      }
      expect(await verdict(of('acme', { source: 'quipu-worker/w' }), reporter)).toBe('taken');
      expect(await verdict(of('acme', { source: 'quipu/sweeper' }), superadmin)).toBe('taken');
    });

    it.each(['admin', 'user', 'scraper'] as const)('no %s report', async (role) => {
      expect(await verdict(of('acme'), await system.principal('acme', `the-${role}`, role))).toBe(403);
    });

    it('nobody in without a key, and asks for one', async () => {
      const answer = await post(sampleCloudEvent(), { headers: { authorization: '' } });
      expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="quipu"']);
      const wrong = await post(sampleCloudEvent(), { key: 'qk_wrong' });
      expect([wrong.statusCode, wrong.headers['www-authenticate']]).toEqual([
        401,
        'Bearer realm="quipu", error="invalid_token"',
      ]);
    });
  });

  describe('with ack=log', () => {
    const acknowledged = (events: unknown[], sending: Sending = {}) =>
      post(events, { query: '?ack=log', ...sending });

    it('tells what is new, what the log had, and what contradicts it', async () => {
      const [known, fresh, twice] = [sampleCloudEvent(), sampleCloudEvent(), sampleCloudEvent()];
      expect((await acknowledged([known])).json()).toMatchObject({ accepted: 1, new: [0], duplicates: [] });
      const conflict = { ...known, data: { user: 'somebody else' } };
      const answer = await acknowledged([known, 17, fresh, conflict, twice, twice]);
      expect(answer.statusCode).toBe(200);
      expect(answer.json()).toEqual({
        accepted: 5,
        rejected: [{ index: 1, reason: 'malformed', detail: expect.any(String) }],
        new: [2, 4],
        duplicates: [0, 5],
        conflicts: [{ index: 3, reason: 'id-conflict' }],
        token: expect.stringMatching(/^[\w-]{22}$/),
      });
    });

    it('gives a token that makes the next answer wait for these events', async () => {
      const admin = await system.principal('acme', 'boss', 'admin');
      const start = system.clock.now() - 3_600_000;
      const subject = `job/tokens/1@${start}`;
      const reported = await acknowledged([
        sampleCloudEvent({
          subject,
          time: new Date(start).toISOString(),
          data: { cluster: 'of-the-token', nodes: 3 },
        }),
      ]);
      const { token } = reported.json();
      expect(reported.headers['quipu-token']).toBe(token);
      expect(reported.headers['quipu-position']).toBeUndefined();
      const usage = await system.request({
        url: '/v2/metrics/nodes/usage?cluster=of-the-token',
        headers: {
          'Coopr-UserID': 'boss',
          'Coopr-ApiKey': admin,
          'Coopr-TenantID': 'acme inc',
          'Quipu-After': token,
        },
      });
      expect(usage.statusCode).toBe(200);
      expect(usage.body).toContain('"value":10800');
    });

    it('tells superadmins the position', async () => {
      const answer = await acknowledged([sampleCloudEvent()], { key: superadmin });
      expect(BigInt(String(answer.headers['quipu-position']))).toBe((await system.log.head()).position);
    });

    it('leaves no job behind', async () => {
      await acknowledged([sampleCloudEvent()]);
      await until(async () => (await system.queue.getCompletedCount()) === 0);
    });
  });
});
