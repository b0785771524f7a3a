import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseExposition, type ReadSample } from '../prometheus/parse-exposition.js';
import { type DebusineInput, debusineEvents, scopesOf } from './support/debusine-case.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value?: number;
}

interface Expected {
  readonly status?: number;
  readonly contentTypePrefix?: string;
  readonly contentTypeOneOf?: readonly string[];
  readonly samples?: readonly Sample[];
  readonly absentSamples?: readonly Sample[];
  readonly body?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly partial?: Readonly<Record<string, unknown>>;
}

interface ConformanceCase {
  readonly id: string;
  readonly input: DebusineInput;
  readonly expected: Expected;
  readonly arithmeticallyCorrect?: Readonly<Record<string, unknown>>;
}

/** About the insides of the original: nothing of it is seen over HTTP (docs/compatibility.md). */
const INTERNAL = new Set([
  'debusine.pool_used_seconds.month_clipping',
  'debusine.terminate_worker.no_instance',
  'debusine.zero_gauge.empty',
  'debusine.zero_gauge.partial',
]);

/** Cases answered otherwise, and what is answered instead (docs/compatibility.md says why). */
const DEVIATIONS: Readonly<Record<string, (expected: Expected, one: ConformanceCase) => Expected>> = {
  'debusine.open_metrics.accept_prometheus_scraper': (expected) => ({
    ...expected,
    contentTypePrefix: 'application/openmetrics-text; version=1.0.0',
  }),
  // The host architecture that only overruled metadata named is nobody's, and has no row.
  'debusine.open_metrics.workers': ({ samples = [], ...expected }) => {
    const unknown = samples.filter(({ labels }) => labels['host_architecture'] === 'i386');
    return { ...expected, samples: samples.filter((one) => !unknown.includes(one)), absentSamples: unknown };
  },
  'debusine.service_status.example': exactly,
  'debusine.service_status.full_example': exactly,
};

/** The same with the numbers that are right. */
function exactly(expected: Expected, { arithmeticallyCorrect = {} }: ConformanceCase): Expected {
  const body = structuredClone(expected.body) as Record<string, Record<string, Record<string, unknown>>>;
  for (const [path, value] of Object.entries(arithmeticallyCorrect)) {
    const [table = '', row = '', column = ''] = path.split('.');
    body[table]![row]![column] = value;
  }
  return { ...expected, body };
}

const NOW = Date.UTC(2026, 2, 2, 12);
const ENV = {
  QUIPU_PUBLIC_METRICS: 'full',
  QUIPU_METRICS_VOCABULARY: join(import.meta.dirname, '../../deploy/debusine/vocabulary.json'),
};
const theirs = join(import.meta.dirname, '../../../shared/conformance/debusine.json');
const cases = existsSync(theirs)
  ? (JSON.parse(readFileSync(theirs, 'utf8')) as { cases: ConformanceCase[] }).cases
  : [];

/** Cases that only look at samples of families of their own share a system; identities bring users along. */
const shares = ({ id, expected }: ConformanceCase): boolean =>
  id.includes('.open_metrics.') && !id.endsWith('.user_identities') && expected.body === undefined;

function matches(sample: Sample, { name, labels }: ReadSample): boolean {
  return name === sample.name && Object.entries(sample.labels).every(([key, value]) => labels[key] === value);
}

async function check(system: TestSystem, one: ConformanceCase): Promise<void> {
  const expected = DEVIATIONS[one.id]?.(one.expected, one) ?? one.expected;
  const path = one.id.includes('.service_status.') ? '/api/1.0/service-status/' : '/api/1.0/open-metrics/';
  const { request } = one.input;
  const answer = await system.request({
    ...{ method: 'GET' as const, url: request?.path ?? path, headers: request?.headers ?? {} },
  });
  expect(answer.statusCode).toBe(expected.status ?? 200);
  const type = String(answer.headers['content-type']);
  if (expected.contentTypePrefix !== undefined)
    expect(type).toMatch(new RegExp(`^${expected.contentTypePrefix}`));
  if (expected.contentTypeOneOf !== undefined) expect(expected.contentTypeOneOf).toContain(type);
  if (expected.body !== undefined) expect(answer.json()).toEqual(expected.body);
  for (const [path, value] of Object.entries(expected.partial ?? {})) {
    const inside = (at: unknown, name: string): unknown =>
      (at as Record<string, unknown> | undefined)?.[name];
    const found = path.split('.').reduce(inside, answer.json());
    expect([path, found]).toEqual([path, value]);
  }
  if (expected.samples === undefined) return;
  const samples = parseExposition(answer.body, 'text').flatMap((family) => family.samples);
  for (const sample of expected.samples) {
    const found = samples.filter((read) => matches(sample, read)).map(({ value }) => Number(value));
    expect([sample, found]).toEqual([sample, [sample.value]]);
  }
  for (const sample of expected.absentSamples ?? []) {
    expect([sample, samples.filter((read) => matches(sample, read))]).toEqual([sample, []]);
  }
}

const conformance = existsSync(theirs) ? describe : describe.skip;
if (!existsSync(theirs))
  process.stderr.write('skipped: the shared Debusine conformance cases are not beside this repository\n');

conformance('Debusine, shared conformance cases', () => {
  const served = cases.filter(({ id }) => !INTERNAL.has(id));
  const together = served.filter(shares);
  let shared: TestSystem;

  const play = async (inputs: readonly DebusineInput[]): Promise<TestSystem> => {
    const system = await startTestSystem({ now: NOW, env: ENV });
    await system.tenants.ensure(inputs.flatMap(scopesOf), 'auto');
    const events = inputs.flatMap((input) => debusineEvents(input, NOW));
    if (events.length > 0) await system.report(events);
    return system;
  };

  beforeAll(async () => {
    shared = await play(together.map(({ input }) => input));
  }, 60_000);
  afterAll(() => shared.stop());

  it.each(served.map((one) => [one.id, one] as const))('%s', async (_, one) => {
    if (together.includes(one)) return check(shared, one);
    const system = await play([one.input]);
    try {
      await check(system, one);
    } finally {
      await system.stop();
    }
  });
});
