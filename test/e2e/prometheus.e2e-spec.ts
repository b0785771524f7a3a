import { join } from 'node:path';
import { systemClock } from '@quipu/platform';
import { testCli } from '../int/cli/test-cli.js';
import { dashboards, deployDir, ruleFiles } from '../prometheus/deployed.js';
import { busyMoment, fleetEvents } from '../prometheus/fleet-events.js';
import {
  prometheusBinaries,
  type PrometheusBinaries,
  type RunningPrometheus,
  runPromtool,
  startPrometheus,
} from '../prometheus/prometheus-process.js';
import { strictParser } from '../prometheus/strict-parser.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const SECONDS = 1_000;
const TOKEN = 'token-of-the-scrape-0123456789';
/** What promtool says of names that restic-manager's own dashboards know these gauges by. */
const NAMES_OF_THE_CONTRACT = [
  'rm_host_snapshot_count non-histogram and non-summary metrics should not have "_count" suffix',
  'rm_hosts_total non-counter metrics should not have "_total" suffix',
];
/** So few series that some family is cut, and says so. */
const MAX_SERIES = '25';
const PATHS = ['/metrics', '/api/1.0/open-metrics/'];

const found = prometheusBinaries();
const parser = strictParser();
const withPrometheus = 'missing' in found ? describe.skip : describe;
const withParser = typeof parser === 'function' ? it : it.skip;
for (const [what, here] of [
  ['Prometheus', found],
  ['the strict parser', parser],
] as const) {
  if ('missing' in here) process.stderr.write(`SKIPPED tests with ${what}: ${String(here.missing)}\n`);
}

withPrometheus('a real Prometheus', () => {
  const binaries = found as PrometheusBinaries;
  let system: TestSystem;
  let prometheus: RunningPrometheus;
  let url: string;
  let beat: NodeJS.Timeout;
  let moments = 0;

  /** Something happens, something is sent twice, and something is refused. */
  async function live(): Promise<void> {
    const now = Date.now();
    await system.report(busyMoment(now, moments++));
    const twice = { ...base, id: 'twice', type: 'host.reported', subject: 'host/h1', data: {} };
    const refused = { ...base, id: `refused-${moments}`, type: 'job.imagined', subject: 'job/q/1' };
    await system.queue.add('events', { events: [twice, refused], import: true });
  }
  /** Lets things happen until something holds; 150 s at most. */
  async function busyUntil(holds: () => Promise<boolean>): Promise<void> {
    for (const deadline = performance.now() + 150 * SECONDS; performance.now() < deadline;) {
      await live();
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (await holds()) return;
    }
  }
  const base = { specversion: '1.0', source: 'e2e', tenant: 'superadmin', time: '2026-01-01T00:00:00Z' };

  beforeAll(async () => {
    const env = { QUIPU_METRICS_TOKEN: TOKEN, QUIPU_METRICS_MAX_SERIES: MAX_SERIES };
    system = await startTestSystem({ now: Date.now(), env });
    beat = setInterval(() => system.clock.set(Date.now()), 50);
    const cli = testCli({ database: system.databaseUrl, redis: system.redisUrl }, systemClock);
    await cli.json('import', 'test/fixtures/swf/small.swf', '--ending', 'now', '--tenant-by', 'group');
    await system.report(fleetEvents(Date.now()));
    await cli.json('reconcile');
    cli.close();
    await live();
    url = await system.listen();
    prometheus = await startPrometheus(binaries, { host: new URL(url).host, token: TOKEN });
  }, 60 * SECONDS);

  afterAll(async () => {
    await prometheus?.stop();
    clearInterval(beat);
    await system?.stop();
  }, 30 * SECONDS);

  const scrape = async (path: string, format: string): Promise<string> => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${url}${path}?format=${format}`, path === '/metrics' ? { headers } : {});
    expect(answer.status).toBe(200);
    return answer.text();
  };

  it(
    'scrapes both paths, and every expression of every panel and rule returns a number',
    async () => {
      const rules = await prometheus.rules();
      expect(rules.length).toBe(
        ruleFiles()
          .join()
          .match(/- (record|alert): /g)?.length,
      );
      const expressions = [...panelExpressions(), ...rules.map(ruleExpression)];
      let silent: string[] = expressions;
      await busyUntil(async () => {
        const answers = await Promise.all(silent.map((expression) => prometheus.query(expression)));
        silent = silent.filter((_, i) => !answers[i]!.some(({ value }) => Number.isFinite(Number(value[1]))));
        return silent.length === 0;
      });
      expect(silent).toEqual([]);
      // A scrape that took too long on a busy machine is made again.
      let jobs: Record<string, string> = {};
      let unwell: unknown[] = [];
      await busyUntil(async () => {
        const up = await prometheus.query('up');
        jobs = Object.fromEntries(up.map(({ metric, value }) => [metric['job'], value[1]]));
        unwell = (await prometheus.rules()).filter(({ health }) => health !== 'ok');
        return unwell.length === 0 && Object.values(jobs).every((value) => value === '1');
      });
      expect(jobs).toEqual({ prometheus: '1', quipu: '1', 'quipu-debusine': '1' });
      expect(unwell).toEqual([]);
    },
    100 * SECONDS,
  );

  it('takes OpenMetrics, with every family’s type', async () => {
    const answer = await prometheus.query('{__name__="artifact_file_sizes_gcount"}');
    expect(answer.length).toBeGreaterThan(0);
  });

  it.each(PATHS)('has nothing to object to %s, but two names that are the contract’s', async (path) => {
    const { said } = runPromtool(binaries, ['check', 'metrics'], await scrape(path, 'prometheus'));
    const objections = said.split('\n').filter((line) => line !== '');
    expect(objections).toEqual(path === '/metrics' ? NAMES_OF_THE_CONTRACT : []);
  });

  it('accepts the configuration and the rules, and the alerts pass their tests', () => {
    const directory = join(deployDir, 'prometheus');
    const rules = ruleFiles().map(([file]) => join(directory, 'rules', file));
    const checks = [
      ['check', 'config', '--syntax-only', join(directory, 'prometheus.yml')],
      ['check', 'rules', ...rules],
      ['test', 'rules', join(directory, 'tests', 'quipu.test.yml')],
    ];
    for (const args of checks) {
      const { status, said } = runPromtool(binaries, args);
      expect({ status, said }).toEqual({ status: 0, said });
    }
  });

  withParser.each(PATHS)('and the strict OpenMetrics parser accepts every byte of %s', async (path) => {
    if (typeof parser !== 'function') return;
    expect(parser(await scrape(path, 'openmetrics'))).toBeNull();
  });
});

/** What panels ask, with the variables that Grafana fills in. */
function panelExpressions(): string[] {
  return dashboards().flatMap(([, { panels }]) =>
    panels.flatMap(({ targets }) =>
      targets.map(({ expr }) =>
        expr.replaceAll('$__rate_interval', '30s').replaceAll('$__range', '1m').replaceAll('$tenant', '.*'),
      ),
    ),
  );
}

/** What a rule asks; of an alert, whether it is so, since one that holds its peace returns nothing. */
function ruleExpression({ type, query }: { type: string; query: string }): string {
  return type === 'alerting' ? query.replace(/(==|!=|<|>) ([\d.]+)$/, '$1 bool $2') : query;
}
