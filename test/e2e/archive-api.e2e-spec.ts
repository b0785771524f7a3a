import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archivePartition, dropArchivedPartition, LogArchive } from '@quipu/event-log';
import { createPool, noIoSteps, systemClock } from '@quipu/platform';
import { NOW, nodeOf } from './support/small-events.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const directory = mkdtempSync(join(tmpdir(), 'quipu-archive-api-'));
const NODE = 'node/c/acme-ann';

describe('the API over a log whose beginning is archived', () => {
  let system: TestSystem;
  let admin: string;
  let root: string;
  let early: string;
  let before: Record<string, unknown>;

  const get = async (url: string, key = admin) => {
    const { statusCode, headers, body } = await system.request({
      url,
      headers: { authorization: `Bearer ${key}` },
    });
    return { status: statusCode, headers, body: JSON.parse(body) as Record<string, unknown>, text: body };
  };
  const why = () => get('/api/why?measure=node_seconds&events=true');

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW, env: { QUIPU_ARCHIVE_DIR: directory } });
    const pool = createPool(system.databaseUrl);
    await pool.query(
      `CREATE OR REPLACE FUNCTION log_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 100::bigint'`,
    );
    await system.tenants.create({ id: 'acme' });
    admin = await system.principal('acme', 'ann', 'admin');
    root = await system.principal('superadmin', 'root', 'superadmin');
    await system.report(nodeOf('acme', 'ann', 60));
    early = String((await get('/api/usage?level=nodes')).headers['quipu-token']);
    await system.report(Array.from({ length: 60 }, (_, i) => nodeOf('acme', `user-${i}`, 5)).flat());
    before = { node: (await get('/api/nodes/c%2Facme-ann')).body, why: (await why()).body };
    const options = {
      ...{ pool, directory, archive: new LogArchive(directory), clock: systemClock, io: noIoSteps },
      ...{ signal: new AbortController().signal, progress: () => undefined },
    };
    const part = await archivePartition(options, { first: 0n, end: 100n });
    expect(await dropArchivedPartition(options, part, 10_000)).toBe(true);
    await pool.end();
  }, 60_000);
  afterAll(async () => {
    await system.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('tells timelines and reasons as before', async () => {
    const node = await get('/api/nodes/c%2Facme-ann');
    expect(node.body).toEqual(before['node']);
    expect(node.body['events']).toHaveLength(2);
    expect((await why()).body).toEqual(before['why']);
    const [first] = node.body['events'] as { source: string; id: string }[];
    const url = `/api/events/${encodeURIComponent(first!.source)}/${first!.id}`;
    expect((await get(url)).body).toMatchObject({ state: 'logged', type: 'node.allocated', subject: NODE });
  });

  it('refuses what was said at a time that is archived, and tells nobody of files and positions', async () => {
    for (const url of [`/api/usage?level=nodes&asOf=${early}`, `/api/queues?asOf=${early}`]) {
      for (const key of [admin, root]) {
        const { status, body, text } = await get(url, key);
        expect({ url, status, body }).toMatchObject({
          status: 400,
          body: { detail: 'What the ledger said at that time is archived.' },
        });
        expect(text).not.toMatch(/log-|position/);
      }
    }
    expect((await get(`/api/why?measure=node_seconds&asOf=${early}`)).body).toMatchObject({ entities: 1 });
  });

  it('answers 503 for what is in a file that is away, and everything else as ever', async () => {
    rmSync(directory, { recursive: true });
    const { status, body, text } = await get('/api/nodes/c%2Facme-user-3');
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('cannot be read now') },
    });
    expect(text).not.toContain(directory);
    const exported = await get('/api/why/export?measure=node_seconds', root);
    expect(exported).toMatchObject({
      status: 503,
      headers: { 'content-type': expect.stringContaining('application/problem+json') },
      body: { detail: expect.stringContaining('cannot be read now') },
    });
    expect(exported.headers).not.toHaveProperty('content-disposition');
    expect((await get('/api/usage?level=nodes')).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
  });
});
