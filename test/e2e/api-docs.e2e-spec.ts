import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOW } from './support/small-events.js';
import { type SentEvent, startTestSystem, type TestSystem } from './support/test-system.js';

const at = (time: string): number => Date.parse(`2026-03-02T${time}Z`);

/** A request of a page, and the answer that stands below it. */
interface Pair {
  readonly command: string;
  readonly answer: string;
}

/** The pairs of a page that only ask; what changes something shows ids that are never the same. */
function questionsOf(page: string): Pair[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/api', page), 'utf8');
  const pairs = [...text.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map((pair) => {
        const [command = '', ...lines] = pair.replaceAll('\\\n', ' ').split('\n');
        return { command, answer: lines.join('\n').trimEnd() };
      }),
  );
  return pairs.filter(({ command }) => !/-X |\/api\/audit/.test(command));
}

/** What both pages say has happened. */
function events(): SentEvent[] {
  const node = (tenant: string, subject: string, user: string, from: string, more: object = {}) => ({
    ...{ type: 'node.allocated', tenant, subject, time: at(from), data: { user, ...more } },
  });
  const hdfs = { services: ['hdfs'] };
  const job = { tenant: 'acme', subject: 'job/builds/1@1' };
  const queued = (id: number, from: string, more: object = {}) => ({
    ...{ type: 'job.queued', tenant: 'acme', subject: `job/builds/${id}@1`, time: at(from) },
    data: { queue: 'builds', user: 'ann', ...more },
  });
  const w1 = { tenant: 'acme', subject: 'worker/w1' };
  const about = { type: 'external', pool: 'farm', host: 'h1', concurrency: 2 };
  return [
    node('acme', 'node/c1/n1', 'ann', '08:00:00', hdfs),
    node('acme', 'node/c1/n2', 'bob', '08:30:00', hdfs),
    { type: 'node.released', tenant: 'acme', subject: 'node/c1/n2', time: at('10:15:00') },
    node('t-7f3a', 'node/c9/n1', 'eve', '09:00:00'),
    { type: 'worker.registered', ...w1, time: at('08:00:00'), data: about },
    { type: 'worker.connected', ...w1, time: at('08:00:00') },
    { type: 'worker.heartbeat', ...w1, time: at('11:59:45') },
    queued(1, '11:10:00'),
    queued(2, '11:20:00'),
    queued(3, '11:30:00'),
    queued(4, '11:40:00', { delayUntil: '2026-03-02T18:00:00Z' }),
    { type: 'job.started', ...job, time: at('11:15:00'), data: { worker: 'w1', workerTenant: 'acme' } },
  ];
}

describe('the pages of our API and of the Coopr dialect', () => {
  let system: TestSystem;
  const keys: Record<string, string> = {};

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    await system.tenants.create({ id: 'acme' });
    await system.tenants.create({ id: 't-7f3a', name: 'globex' });
    await system.report(events());
    keys['ANN'] = await system.principal('acme', 'ann', 'admin');
    keys['BOB'] = await system.principal('acme', 'bob', 'user');
    keys['ROOT'] = await system.principal('superadmin', 'admin', 'superadmin');
  });
  afterAll(() => system.stop());

  /** What the shell would send; `…` stands for the headers of whoever the text names, else of the superadmin. */
  function requestOf(command: string) {
    const url = /http:\/\/127\.0\.0\.1:8080([^' ]*)/.exec(command)![1]!;
    const headers: Record<string, string> = {};
    for (const [, header] of command.matchAll(/-H ["']([^"']*)["']/g)) {
      const [name = '', value = ''] = header!.split(': ');
      headers[name.toLowerCase()] = value;
    }
    const ann = headers['coopr-userid'] === 'ann' || command.includes('# ann');
    if (command.includes('…')) {
      headers['coopr-userid'] = ann ? 'ann' : 'admin';
      headers['coopr-tenantid'] = ann ? 'acme' : 'superadmin';
      headers['coopr-apikey'] = '$KEY';
    }
    for (const [name, value] of Object.entries(headers))
      headers[name] = value.replace(/\$(\w+)/, (_, key: string) => keys[key] ?? keys[ann ? 'ANN' : 'ROOT']!);
    return { url, headers };
  }

  it.each([
    ['http.md', 14],
    ['coopr.md', 9],
  ])('docs/api/%s shows requests with their answers', async (page, count) => {
    const pairs = questionsOf(page);
    expect(pairs.length).toBeGreaterThanOrEqual(count);
    for (const { command, answer } of pairs) {
      const { body } = await system.request({ method: 'GET', ...requestOf(command) });
      expect([command, body.replaceAll('\r', '').trimEnd()]).toEqual([command, answer]);
    }
  });
});
