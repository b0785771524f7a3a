import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { LogArchive } from '@quipu/event-log';
import { createPool } from '@quipu/platform';
import type { Response } from 'light-my-request';
import type { Pool } from 'pg';
import { WhyExport } from '../../apps/api/src/why/why-export.js';
import { localScope } from '../../apps/cli/src/support/scope.js';
import { until } from '../../apps/projector/test/sample-job.js';
import { NOW, nodeOf } from './support/small-events.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

/** More than the streams between a file and its reader hold, so that a reader who takes nothing stalls. */
const NODES = 600;

describe('exports of numbers over HTTP', () => {
  let system: TestSystem;
  let pool: Pool;
  let root: string;
  const stalled: Readable[] = [];

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    pool = createPool(system.databaseUrl);
    await system.tenants.create({ id: 'acme' });
    root = await system.principal('superadmin', 'root', 'superadmin');
    const events = Array.from({ length: NODES }, (_, i) => nodeOf('acme', `user-${i}`, 5)).flat();
    for (let i = 0; i < events.length; i += 400) await system.report(events.slice(i, i + 400));
  }, 60_000);
  afterAll(async () => {
    for (const body of stalled) body.destroy();
    await pool.end();
    await system.stop();
  });

  const get = (url: string, payloadAsStream = false): Promise<Response> =>
    system.request({ url, payloadAsStream, headers: { authorization: `Bearer ${root}` } });

  it('are held up by no reader: who stalls has neither a turn nor a transaction', async () => {
    const first = (await get('/api/why/export?measure=node_seconds', true)).stream();
    stalled.push(first);
    for (let i = 0; i < 3; i += 1) {
      const answer = await get('/api/why/export?measure=node_seconds', true);
      expect(answer.statusCode).toBe(200);
      stalled.push(answer.stream());
    }
    const { rows } = await pool.query(
      `SELECT state, query FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'quipu-api' AND state LIKE 'idle in transaction%'`,
    );
    expect(rows).toEqual([]);
    const asked = ['/api/why?measure=node_seconds', '/api/usage?level=nodes&asOf=2026-03-02'];
    for (const url of asked) expect([url, (await get(url)).statusCode]).toEqual([url, 200]);
    expect(first.readableEnded).toBe(false);
    const lines = (await text(first)).trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ end: { entities: NODES, intervals: NODES } });
  });

  it('are refused before their first byte while too many are on their way', async () => {
    let refused: Response | undefined;
    for (let i = 0; i < 10 && refused === undefined; i += 1) {
      const answer = await get('/api/why/export?measure=node_seconds', true);
      stalled.push(answer.stream());
      if (answer.statusCode !== 200) refused = answer;
    }
    expect(refused?.statusCode).toBe(503);
    expect(refused?.headers['content-type']).toContain('application/problem+json');
    expect(JSON.parse(await text(refused!.stream()))).toMatchObject({
      detail: 'Too many exports are being sent.',
    });
    for (const body of stalled.splice(0)) body.resume();
    await until(async () => (await get('/api/why/export?measure=node_seconds')).statusCode === 200);
  });

  it('end with whoever asked for them', async () => {
    const exports = new WhyExport(pool, new LogArchive(null));
    const gone = new AbortController();
    const query = { measure: 'node_seconds', now: NOW } as const;
    const asked = exports.start(localScope(), query, gone.signal);
    gone.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    const lines = await exports.start(localScope(), query, new AbortController().signal);
    exports.beforeApplicationShutdown();
    await expect(once(lines, 'error')).resolves.toEqual([
      expect.objectContaining({ message: 'the reader took nothing for 1000 ms' }),
    ]);
  });
});
