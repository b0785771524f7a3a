import { join } from 'node:path';
import { parseExposition } from '../prometheus/parse-exposition.js';
import { NOW } from './support/small-events.js';
import { REGISTRY_SENTENCES } from './support/sentences/debusine-registry.js';
import { STATUS_SENTENCES } from './support/sentences/debusine-status.js';
import { WORK_SENTENCES } from './support/sentences/debusine-work.js';
import { eventsOf } from './support/sentences/told.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

const SENTENCES = [...REGISTRY_SENTENCES, ...WORK_SENTENCES];
const EXPOSITION = '/api/1.0/open-metrics/';
const STATUS = '/api/1.0/service-status/';
const ENV = {
  QUIPU_PUBLIC_METRICS: 'full',
  QUIPU_METRICS_VOCABULARY: join(import.meta.dirname, '../../deploy/debusine/vocabulary.json'),
  QUIPU_METRICS_MAX_SERIES: '100000',
  QUIPU_REQUESTS_PER_ADDRESS: '0',
};
/** What the original tells: type in the older text, and help. */
const FAMILIES: Readonly<Record<string, readonly [type: string, help: string]>> = {
  artifacts: ['gauge', 'Number of Artifacts'],
  assets: ['gauge', 'Number of Assets'],
  collections: ['gauge', 'Number of Collections'],
  file_store_max_size: ['gauge', 'max_size of FileStores'],
  file_store_size: ['gauge', 'total_size of FileStores'],
  groups: ['gauge', 'Number of Groups'],
  tokens: ['gauge', 'Number of Tokens'],
  user_activity: ['histogram', 'Number of users who have created a workflow in the bucket'],
  user_identities: ['gauge', 'Number of User Identities'],
  user_identities_activity: ['histogram', 'Number of SSO Users who have created a workflow in the bucket'],
  users: ['gauge', 'Number of Users'],
  work_requests: ['gauge', 'Number of WorkRequests'],
  worker_pool_runtime: ['gauge', 'Execution time of WorkerPools'],
  workers: ['gauge', 'Number of Workers'],
  workflow_templates: ['gauge', 'Number of WorkflowTemplates'],
  workspaces: ['gauge', 'Number of Workspaces'],
};
/** What it leaves for the future. */
const LATER = {
  artifact_file_counts: 'gaugehistogram',
  artifact_file_size: 'gauge',
  artifact_file_sizes: 'gaugehistogram',
  collection_sizes: 'gaugehistogram',
  task_execution_times: 'histogram',
  tokens_last_seen: 'gaugehistogram',
};
/** A tenant for each sentence. */
const EVENTS = [...SENTENCES.map(({ events }) => events), ...STATUS_SENTENCES.map(([, events]) => events)];
const TENANTS = EVENTS.map((_, i) => `t${i}`);

describe('the contract of Debusine, sentence by sentence', () => {
  let system: TestSystem;
  let platform: Set<string>;
  const keys: string[] = [];

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW, env: ENV });
    await system.tenants.ensure(TENANTS, 'auto');
    await system.report(TENANTS.flatMap((tenant, i) => eventsOf(tenant, EVENTS[i]!)));
    for (const tenant of TENANTS) keys.push(await system.principal(tenant, 'scraper', 'scraper'));
    platform = new Set((await ask(EXPOSITION)).body.split('\n'));
  }, 120_000);
  afterAll(() => system.stop());

  const ask = (url: string, bearer?: string, method: Method = 'GET') =>
    system.request({
      method,
      url,
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    });

  it.each(SENTENCES.map((sentence, i) => [sentence.what, sentence, i] as const))(
    '%s',
    async (_, sentence, i) => {
      const answer = await ask(EXPOSITION, keys[i]);
      expect(answer.statusCode).toBe(200);
      parseExposition(answer.body, 'text');
      const lines = answer.body.split('\n');
      const [has, lacks] = [sentence.has, sentence.lacks ?? []].map((some) =>
        some.map((line) => line.replaceAll('$T', TENANTS[i]!)),
      ) as [string[], string[]];
      expect(has.filter((line) => !lines.includes(line))).toEqual([]);
      expect(lines.filter((line) => lacks.some((start) => line.startsWith(start)))).toEqual([]);
      // To the line the same for who sees all tenants: nothing of it is summed with another’s.
      const own = has.filter((line) => line.includes(`scope="${TENANTS[i]}"`));
      expect(own.filter((line) => !platform.has(line))).toEqual([]);
    },
  );

  it.each(STATUS_SENTENCES.map(([what, , at], i) => [what, at, i] as const))(
    'service status: %s',
    async (_, at, i) => {
      const answer = await ask(STATUS, keys[SENTENCES.length + i]);
      expect(answer.headers['content-type']).toBe('application/json');
      const body: Record<string, unknown> = answer.json();
      expect(Object.keys(body)).toEqual([
        ...['tasks', 'workers', 'worker_tasks', 'external_workers_arch', 'external_workers_host_arch'],
        'worker_tasks_arch',
      ]);
      for (const [path, value] of Object.entries(at)) {
        const found = path
          .split('.')
          .reduce<unknown>((inside, name) => (inside as Record<string, unknown>)[name], body);
        expect([path, found]).toEqual([path, value]);
      }
    },
  );

  it('has every family of the original, and those that it left for the future, and no other', async () => {
    const families = parseExposition((await ask(EXPOSITION)).body, 'text');
    const theirs = families.filter(({ name }) => Object.hasOwn(FAMILIES, name));
    expect(Object.fromEntries(theirs.map(({ name, type, help }) => [name, [type, help]]))).toEqual(FAMILIES);
    const open = parseExposition((await ask(`${EXPOSITION}?format=openmetrics`)).body, 'openmetrics');
    const others = open.filter(({ name }) => !Object.hasOwn(FAMILIES, name));
    expect(Object.fromEntries(others.map(({ name, type }) => [name, type]))).toEqual(LATER);
  });

  it('answers HEAD as GET without a body, and every other method as the original does', async () => {
    for (const url of [EXPOSITION, STATUS, EXPOSITION.slice(0, -1), `${STATUS}?format=json`]) {
      const [got, head] = [await ask(url), await ask(url, undefined, 'HEAD')];
      expect([head.statusCode, head.body, head.headers['content-type']]).toEqual([
        200,
        '',
        got.headers['content-type'],
      ]);
      expect(Number(head.headers['content-length'])).toBe(got.rawPayload.length);
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'] as const) {
        const refused = await ask(url, undefined, method);
        expect([
          method,
          refused.statusCode,
          refused.headers['content-type'],
          refused.headers['allow'],
        ]).toEqual([...[method, 405, 'application/json', 'GET, HEAD']]);
        expect(refused.json()).toEqual({ detail: `Method "${method}" not allowed.` });
      }
    }
    for (const url of [
      '/api/1.0/',
      '/api/1.0/open-metrics/x',
      '/api/1.0/open-metrics//',
      '/API/1.0/open-metrics/',
    ]) {
      expect([url, (await ask(url)).statusCode]).toEqual([url, 404]);
    }
  });
});
