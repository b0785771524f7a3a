import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOW } from './support/small-events.js';
import { type SentEvent, startTestSystem, type TestSystem } from './support/test-system.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/api/metrics.md'), 'utf8');

/** A request of the page and the answer that stands below it. */
interface Pair {
  readonly command: string;
  readonly answer: string;
}

const pairs: Pair[] = [...page.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block]) =>
  block!
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = '', ...lines] = text.replaceAll('\\\n', ' ').split('\n');
      return { command, answer: lines.join('\n').trimEnd() };
    }),
);

/** What the page says has happened. */
function events(): SentEvent[] {
  const at = (time: string): number => Date.parse(`2026-03-02T${time}:00Z`);
  const job = (tenant: string, id: string, queue: string, more: object = {}) => ({
    ...{ tenant, subject: `job/${queue}/${id}` },
    data: { queue, taskType: 'Worker', taskName: 'sbuild', ...more },
  });
  const fleet = { tenant: 'superadmin' };
  return [
    { type: 'job.queued', time: at('11:00'), ...job('acme', '1', 'builds') },
    { type: 'job.started', time: at('11:10'), ...job('acme', '1', 'builds') },
    { type: 'job.completed', time: at('11:40'), ...job('acme', '1', 'builds') },
    {
      ...{ type: 'job.queued', time: at('11:30') },
      ...job('acme', '2', 'builds', { labels: { hostArchitecture: 'amd64', backend: 'unshare' } }),
    },
    { type: 'job.started', time: at('11:45'), ...job('acme', '2', 'builds', { worker: 'w1' }) },
    { type: 'job.queued', time: at('11:50'), ...job('acme', '3', 'builds') },
    {
      type: 'job.queued',
      time: at('11:55'),
      ...job('acme', '4', 'builds', { delayUntil: '2026-03-02T18:00:00Z' }),
    },
    { type: 'job.queued', time: at('11:20'), ...job('t-7f3a', '1', 'mail') },
    {
      ...{ type: 'artifact.created', time: at('11:40'), tenant: 'acme', subject: 'artifact/1' },
      data: {
        category: 'debian:source-package',
        files: [
          { path: 'a', size: 1_000 },
          { path: 'b', size: 50_000 },
        ],
      },
    },
    {
      ...{ type: 'worker.registered', time: at('10:00'), ...fleet, subject: 'worker/w1' },
      data: { type: 'external', pool: 'spot', hostArchitecture: 'amd64', architectures: ['amd64', 'i386'] },
    },
    { type: 'worker.connected', time: at('10:01'), ...fleet, subject: 'worker/w1' },
    { type: 'worker_pool.set', time: at('10:00'), ...fleet, subject: 'worker_pool/spot' },
    {
      type: 'instance.launched',
      time: at('10:00'),
      ...fleet,
      subject: 'instance/i-1',
      data: { pool: 'spot' },
    },
    {
      ...{ type: 'host.reported', time: at('03:00'), ...fleet, subject: 'host/h1' },
      data: {
        ...{ name: 'alpha', online: true, snapshots: 7, repositoryBytes: 123_456_789_012 },
        ...{ lastRunAt: '2026-03-02T02:55:00Z', lastRunOutcome: 'success', repositoryStatus: 'ready' },
      },
    },
  ];
}

/** What the shell would send for a command of the page. */
function requestOf(command: string, keys: Readonly<Record<string, string>>) {
  const url = /'http:\/\/127\.0\.0\.1:8080([^']*)'/.exec(command)![1]!;
  const headers: Record<string, string> = {};
  for (const [, text] of command.matchAll(/-H ["']([^"']*)["']/g)) {
    const [name = '', value = ''] = text!.split(': ');
    headers[name.toLowerCase()] = value.replace(/\$(\w+)/, (_, key: string) => keys[key]!);
  }
  const pattern = /\| grep -E '([^']*)'/.exec(command)?.[1];
  return { url, headers, pattern: pattern === undefined ? null : new RegExp(pattern) };
}

describe('docs/api/metrics.md', () => {
  let system: TestSystem;
  const keys: Record<string, string> = { TOKEN: 'the-token' };

  beforeAll(async () => {
    const vocabulary = join(import.meta.dirname, '../../deploy/debusine/vocabulary.json');
    system = await startTestSystem({
      now: NOW,
      env: { QUIPU_METRICS_TOKEN: keys['TOKEN']!, QUIPU_METRICS_VOCABULARY: vocabulary },
    });
    await system.tenants.create({ id: 't-7f3a', name: 'globex' });
    await system.report(events());
    keys['ACME'] = await system.principal('acme', 'prometheus', 'scraper');
    keys['ALL'] = await system.principal('superadmin', 'prometheus', 'scraper');
  }, 30_000);
  afterAll(() => system.stop());

  it('shows requests with their answers', async () => {
    expect(pairs.length).toBeGreaterThan(8);
    for (const { command, answer } of pairs) {
      const { url, headers, pattern } = requestOf(command, keys);
      const { statusCode, headers: found, body } = await system.request({ method: 'GET', url, headers });
      const status = command.includes('curl -i') ? [`${statusCode} ${String(found['content-type'])}`] : [];
      const lines = body.trimEnd().split('\n');
      const shown = pattern === null ? lines : lines.filter((line) => pattern.test(line));
      expect([command, [...status, ...shown].join('\n')]).toEqual([command, answer]);
    }
  });
});
