import type { Role } from '@quipu/access';
import { sampleCloudEvent, until } from '../../apps/projector/test/sample-job.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

describe('GET /api/events/<source>/<id>', () => {
  let system: TestSystem;
  const keys = new Map<string, string>();
  const source = 'https://ci.example/builds:7?a=b c/ü';

  beforeAll(async () => {
    system = await startTestSystem();
    for (const id of ['acme', 'globex']) await system.tenants.create({ id });
    const make = async (name: string, tenant: string, role: Role, prefix?: string) =>
      void keys.set(name, await system.principal(tenant, name, role, prefix));
    await make('reporter', 'acme', 'reporter');
    await make('bound', 'acme', 'reporter', 'https://ci.');
    await make('elsewhere', 'acme', 'reporter', 'https://cd.');
    await make('admin', 'acme', 'admin');
    await make('stranger', 'globex', 'admin');
    await make('root', 'superadmin', 'superadmin');
    for (const role of ['user', 'scraper'] as const) await make(role, 'acme', role);
  });
  afterAll(() => system.stop());

  async function ask(key: string, id: string, query = '', from = source) {
    const answer = await system.request({
      url: `/api/events/${encodeURIComponent(from)}/${encodeURIComponent(id)}${query}`,
      headers: { authorization: `Bearer ${keys.get(key)!}` },
    });
    return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
  }

  it('says of a logged event when it was logged, to those who may know', async () => {
    const event = sampleCloudEvent({ source, id: 'a/b:c' });
    await system.request({
      method: 'POST',
      url: '/api/events?ack=log',
      payload: event,
      headers: { authorization: `Bearer ${keys.get('reporter')!}` },
    });
    const known = {
      tenant: 'acme',
      source,
      id: 'a/b:c',
      state: 'logged',
      recorded: expect.stringMatching(/^\d{4}-.*Z$/),
      type: 'job.started',
      subject: event['subject'],
      time: event['time'],
    };
    for (const key of ['reporter', 'bound', 'admin']) {
      expect(await ask(key, 'a/b:c')).toMatchObject({ status: 200, body: known });
      expect((await ask(key, 'a/b:c')).body).not.toHaveProperty('position');
      expect((await ask(key, 'a/b:c', '?tenant=acme')).status).toBe(200);
    }
    const head = (await system.log.head()).position;
    expect((await ask('root', 'a/b:c', '?tenant=acme')).body).toEqual({ ...known, position: String(head) });
    expect((await ask('root', 'a/b:c')).status).toBe(404);
    for (const key of ['user', 'scraper']) expect((await ask(key, 'a/b:c')).status).toBe(403);
    expect((await ask('admin', 'a/b:c', '?tenant=globex')).status).toBe(403);
    expect((await ask('admin', 'a/b:c', '?tenants=acme')).status).toBe(400);
  });

  it('gives the same answer for what is foreign, out of reach and unknown', async () => {
    const unknown = (await ask('admin', 'never-sent')).body;
    expect(unknown).toEqual({
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      detail: 'No such event is known.',
      hint: 'It may still be in the queue.',
      state: 'unknown',
    });
    for (const key of ['stranger', 'elsewhere']) {
      expect(await ask(key, 'a/b:c')).toMatchObject({ status: 404, body: unknown });
    }
  });

  it('says of a dead letter why it is one', async () => {
    const bad = sampleCloudEvent({ source, id: 'dead', data: { nodes: -1 } });
    await system.queue.add('events', { events: [bad, bad] });
    await until(async () => (await ask('admin', 'dead')).status === 200);
    expect((await ask('admin', 'dead')).body).toEqual({
      tenant: 'acme',
      source,
      id: 'dead',
      state: 'dead-letter',
      deadLetters: [
        {
          reason: 'invalid-data',
          detail: expect.stringContaining('data.nodes'),
          status: 'open',
          firstSeen: expect.any(String),
          lastSeen: expect.any(String),
          seen: 2,
        },
      ],
    });
    expect((await ask('stranger', 'dead')).status).toBe(404);
  });

  it('shows the body that was refused as a conflict beside the event that is logged', async () => {
    await system.queue.add('events', sampleCloudEvent({ source, id: 'a/b:c', data: { user: 'other' } }));
    await until(async () => (await ask('admin', 'a/b:c')).body.deadLetters !== undefined);
    expect((await ask('admin', 'a/b:c')).body).toMatchObject({
      state: 'logged',
      deadLetters: [{ reason: 'id-conflict', seen: 1 }],
    });
  });

  it('takes sources and ids as long as events may have them, and no nonsense', async () => {
    expect((await ask('admin', 'ü'.repeat(512), '', 'ü'.repeat(512))).status).toBe(404);
    expect((await ask('admin', 'a\0b')).status).toBe(404);
    const authorization = `Bearer ${keys.get('admin')!}`;
    for (const url of ['/api/events/%E0%A4%A/x', '/api/events/%/x']) {
      const answer = await system.request({ url, headers: { authorization } });
      expect(answer.statusCode).toBe(400);
    }
    expect(
      (await system.request({ url: '/api/events/only-a-source', headers: { authorization } })).statusCode,
    ).toBe(404);
  });
});
