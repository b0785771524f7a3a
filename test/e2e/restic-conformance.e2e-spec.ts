import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SentEvent, startTestSystem, type TestSystem } from './support/test-system.js';

interface Host {
  readonly id: string;
  readonly name: string;
  readonly online: boolean;
  readonly last: number | null;
  readonly ok: boolean | null;
  readonly size: number | null;
  readonly snaps: number;
  readonly alerts: number;
  readonly status: string;
}

interface Observations {
  readonly kind: string;
  readonly status: string;
  readonly durationsSeconds: readonly number[];
}

interface Input {
  readonly env?: Readonly<Record<string, string>>;
  readonly request?: { readonly bearer: string | null; readonly remote: string };
  readonly hosts?: readonly Host[];
  readonly alertsBySeverity?: Readonly<Record<string, number>>;
  readonly observations?: readonly Observations[];
  readonly durationsSeconds?: readonly number[];
}

interface ConformanceCase {
  readonly id: string;
  readonly input: Input;
  readonly expected: {
    readonly served?: boolean;
    readonly statusRecommended?: number;
    readonly text?: string;
    readonly buckets?: readonly number[];
    readonly sum?: number;
    readonly count?: number;
  };
}

const NOW = Date.UTC(2026, 2, 2, 12);
const OPEN = { QUIPU_METRICS_TOKEN: 't0ken' };
/** The original adds doubles; here sums are exact (docs/compatibility.md). */
const EXACT_SUMS: Readonly<Record<string, string>> = { 'restic.histogram.just_above': '86401.002' };

const theirs = join(import.meta.dirname, '../../../shared/conformance/restic-manager.json');
const cases = existsSync(theirs)
  ? (JSON.parse(readFileSync(theirs, 'utf8')) as { cases: ConformanceCase[] }).cases
  : [];

/** What happened, as our events tell it. */
function eventsOf({
  hosts = [],
  alertsBySeverity = {},
  observations = [],
  durationsSeconds,
}: Input): SentEvent[] {
  const platform = { tenant: 'superadmin', time: NOW - 60_000 };
  const alert = (name: string, data: object): SentEvent => ({
    ...{ type: 'alert.opened', ...platform, subject: `alert/${name}` },
    data: { ...data },
  });
  const attached = hosts.flatMap(({ id, alerts }) => Array.from({ length: alerts }, () => id));
  const runs = [
    ...observations,
    ...(durationsSeconds === undefined ? [] : [{ kind: 'one', status: 'succeeded', durationsSeconds }]),
  ];
  return [
    ...hosts.map(({ id, name, online, last, ok, size, snaps, status }) => ({
      ...{ type: 'host.reported', ...platform, subject: `host/${id}` },
      data: {
        ...{ name, online, snapshots: snaps },
        ...(last === null ? {} : { lastRunAt: new Date(last * 1000).toISOString() }),
        ...(ok === null ? {} : { lastRunOutcome: ok ? 'success' : 'failure' }),
        ...(size === null ? {} : { repositoryBytes: size }),
        ...(status === '' ? {} : { repositoryStatus: status }),
      },
    })),
    ...Object.entries(alertsBySeverity).flatMap(([severity, count]) =>
      Array.from({ length: count }, (_, i) => {
        const host = severity === 'warning' ? attached[i] : undefined;
        return alert(`${severity}-${i}`, { severity, ...(host === undefined ? {} : { host }) });
      }),
    ),
    ...runs.flatMap(({ kind, status, durationsSeconds: durations }) =>
      durations.flatMap((seconds, i) => {
        const about = { tenant: 'acme', subject: `job/${kind}/${status}-${i}` };
        const started = NOW - 200_000_000;
        return [
          { type: 'job.started', ...about, time: started, data: { taskName: kind } },
          {
            type: status === 'failed' ? 'job.failed' : 'job.completed',
            ...about,
            time: started + seconds * 1000,
          },
        ];
      }),
    ),
  ];
}

/** The dialect's own block: it comes first. */
function block(body: string): string {
  return body.slice(0, body.indexOf('# HELP quipu_'));
}

async function scrape(system: TestSystem): Promise<string> {
  const answer = await system.request({
    ...{ method: 'GET' as const, url: '/metrics', headers: { authorization: 'Bearer t0ken' } },
  });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  return block(answer.body);
}

async function check({ id, input, expected }: ConformanceCase): Promise<void> {
  const { RM_METRICS_TOKEN: token = '', RM_METRICS_TRUSTED_CIDR: trusted = '' } = input.env ?? {};
  const gates = { QUIPU_METRICS_TOKEN: token, QUIPU_METRICS_TRUSTED_CIDR: trusted };
  const env = input.env === undefined ? { ...OPEN, QUIPU_COMMIT: 'abc1234' } : gates;
  const system = await startTestSystem({ now: NOW, env });
  try {
    if (expected.served !== undefined) {
      const { bearer, remote } = input.request!;
      const answer = await system.request({
        ...{ method: 'GET' as const, url: '/metrics', remoteAddress: remote },
        headers: bearer === null ? {} : { authorization: `Bearer ${bearer}` },
      });
      return expect(answer.statusCode).toBe(expected.served ? 200 : expected.statusRecommended);
    }
    await system.report(eventsOf(input));
    const text = await scrape(system);
    if (expected.text !== undefined) {
      // The build is this one.
      const build = /^rm_build_info\{.*$/m;
      const ours = `rm_build_info{version="0.1.0",commit="abc1234",go_version="${process.version}"} 1`;
      return expect(text).toBe(expected.text.replace(build, ours));
    }
    const lines = text.split('\n').filter((line) => line.startsWith('rm_job_duration_seconds'));
    expect(lines.map((line) => line.slice(line.lastIndexOf(' ') + 1))).toEqual([
      ...expected.buckets!.map(String),
      EXACT_SUMS[id] ?? String(expected.sum),
      String(expected.count),
    ]);
  } finally {
    await system.stop();
  }
}

const conformance = existsSync(theirs) ? describe : describe.skip;
if (!existsSync(theirs))
  process.stderr.write(
    'skipped: the shared restic-manager conformance cases are not beside this repository\n',
  );

conformance('restic-manager, shared conformance cases', () => {
  it.each(cases.map((one) => [one.id, one] as const))('%s', (_, one) => check(one));
});
