import { parseExposition } from '../prometheus/parse-exposition.js';
import { NOW } from './support/small-events.js';
import { type SentEvent, startTestSystem, type TestSystem } from './support/test-system.js';

type Told = Omit<SentEvent, 'tenant'>;

/** What happened in a tenant of its own, and all lines of its scrape that begin so, in their order. */
type Sentence = readonly [what: string, events: readonly Told[], begin: string, lines: readonly string[]];

function told(type: string, subject: string, data: object = {}, ago = 60_000): Told {
  return { type, subject, time: NOW - ago, data: { ...data } };
}

const host = (id: string, data: object = {}, ago?: number): Told =>
  told('host.reported', `host/${id}`, data, ago);
const alert = (id: string, severity: string, ago = 60_000, on?: string): Told =>
  told('alert.opened', `alert/${id}`, { severity, ...(on === undefined ? {} : { host: on }) }, ago);
const closed = (id: string, ago: number): Told => told('alert.closed', `alert/${id}`, {}, ago);

/** A job that ran for so long, ms, and ended so. */
function ran(
  id: string,
  end: string,
  ms: number,
  data: object = {},
  kind: object = { taskName: 'backup' },
): Told[] {
  const subject = `job/q/${id}`;
  return [
    { type: 'job.started', subject, time: NOW - 200_000_000, data: { ...kind } },
    { type: `job.${end}`, subject, time: NOW - 200_000_000 + ms, data: { ...data } },
  ];
}

const BOUNDS = ['1', '5', '30', '60', '300', '1800', '3600', '21600', '86400', '+Inf'];
/** The lines of one row, by what is in each bucket alone. */
function histogram(kind: string, status: string, counts: readonly number[], sum: string): string[] {
  const labels = `kind="${kind}",status="${status}"`;
  let total = 0;
  return [
    ...BOUNDS.map((le, i) => {
      total += counts[i] ?? 0;
      return `rm_job_duration_seconds_bucket{${labels},le="${le}"} ${total}`;
    }),
    `rm_job_duration_seconds_sum{${labels}} ${sum}`,
    `rm_job_duration_seconds_count{${labels}} ${total}`,
  ];
}
const ALERTS = ['info', 'warning', 'critical'];
const alerts = (...counts: number[]): string[] =>
  ALERTS.map((severity, i) => `rm_active_alerts{severity="${severity}"} ${counts[i]}`);
const H = 'host_id="h",host="h"';

const SENTENCES: readonly Sentence[] = [
  [
    'without anything only fixed rows are there',
    [],
    'rm_',
    ['rm_hosts_total 0', 'rm_hosts_online 0', ...alerts(0, 0, 0)],
  ],
  [
    'a host that has only reported has no backup and no size, and what is always there',
    [host('h')],
    'rm_host',
    [
      ...[
        'rm_hosts_total 1',
        'rm_hosts_online 0',
        `rm_host_agent_online{${H}} 0`,
        `rm_host_snapshot_count{${H}} 0`,
      ],
      ...[`rm_host_open_alerts{${H}} 0`, `rm_host_repo_status{${H},status="unknown"} 1`],
    ],
  ],
  [
    'each field is that of the newest report that tells it, also where that is 0, no or a failure',
    [
      host(
        'h',
        { online: true, snapshots: 4, repositoryBytes: 5, repositoryStatus: 'ready', name: 'h' },
        90_000,
      ),
      host('h', { lastRunAt: '2026-03-01T23:59:59.999Z', lastRunOutcome: 'success' }, 80_000),
      host('h', { online: false, snapshots: 0, repositoryBytes: 0 }, 70_000),
      host('h', { lastRunOutcome: 'error', repositoryStatus: 'init_failed' }, 60_000),
      host('h', { snapshots: 9, online: true }, 99_000),
    ],
    'rm_host_',
    [
      `rm_host_agent_online{${H}} 0`,
      `rm_host_last_backup_timestamp_seconds{${H}} ${Date.UTC(2026, 2, 1, 23, 59, 59) / 1000}`,
      ...[
        `rm_host_last_backup_success{${H}} 0`,
        `rm_host_repo_size_bytes{${H}} 0`,
        `rm_host_snapshot_count{${H}} 0`,
      ],
      ...[`rm_host_open_alerts{${H}} 0`, `rm_host_repo_status{${H},status="init_failed"} 1`],
    ],
  ],
  [
    'a backup that was skipped is none that succeeded',
    [host('h', { lastRunOutcome: 'skipped' })],
    'rm_host_last_backup',
    [`rm_host_last_backup_success{${H}} 0`],
  ],
  [
    'times of backups: any offset, a leap second, before 1970',
    [
      host('a', { lastRunAt: '2026-03-02T01:00:00+01:00' }),
      host('b', { lastRunAt: '2016-12-31T23:59:60Z' }),
      host('c', { lastRunAt: '1969-12-31T23:59:59.5Z' }),
    ],
    'rm_host_last_backup_timestamp',
    [
      ['a', 1772409600],
      ['b', 1483228800],
      ['c', -1],
    ].map(([id, at]) => `rm_host_last_backup_timestamp_seconds{host_id="${id}",host="${id}"} ${at}`),
  ],
  [
    'hosts come by their id, ascending, whatever else they are called',
    ['h2', 'h10', 'h', 'h-1', 'H', 'h!', 'h 1', 'ü'].map((id, i) => host(id, { name: `n${9 - i}` })),
    'rm_host_open_alerts',
    [
      ['H', 5],
      ['h', 7],
      ['h 1', 3],
      ['h!', 4],
      ['h-1', 6],
      ['h10', 8],
      ['h2', 9],
      ['ü', 2],
    ].map(([id, n]) => `rm_host_open_alerts{host_id="${id}",host="n${n}"} 0`),
  ],
  [
    'names may hold what must be escaped: backslash, quote and newline, and nothing else is',
    [host('h', { name: 'a"b\\c\nd\te☃{}=,' })],
    'rm_host_agent',
    ['rm_host_agent_online{host_id="h",host="a\\"b\\\\c\\nd\te☃{}=,"} 0'],
  ],
  [
    'alerts by severity: the three that there are, in their order, and no other',
    [
      ...[
        alert('1', 'critical'),
        alert('2', 'critical'),
        alert('3', 'info'),
        alert('4', 'bogus'),
        alert('5', 'Warning'),
      ],
      ...[alert('6', 'info', 90_000), closed('6', 80_000)],
    ],
    'rm_active_alerts',
    alerts(1, 0, 2),
  ],
  [
    'an alert that is opened again is open; one that was closed before it was opened, too; at one instant it is closed',
    [
      ...[alert('1', 'info', 90_000), closed('1', 80_000), alert('1', 'warning', 70_000)],
      ...[
        closed('2', 90_000),
        alert('2', 'info', 80_000),
        alert('3', 'critical', 50_000),
        closed('3', 50_000),
      ],
    ],
    'rm_active_alerts',
    alerts(1, 1, 0),
  ],
  [
    'a host has the open alerts that name it, of any severity; those of a host that nobody knows are alerts all the same',
    [
      ...[host('h'), host('i'), alert('1', 'bogus', 60_000, 'h'), alert('2', 'info', 60_000, 'h')],
      ...[
        alert('3', 'info', 60_000, 'i'),
        closed('3', 1_000),
        alert('4', 'info', 60_000, 'nobody'),
        alert('5', 'info'),
      ],
    ],
    'rm_host_open_alerts',
    [`rm_host_open_alerts{${H}} 2`, 'rm_host_open_alerts{host_id="i",host="i"} 0'],
  ],
  [
    'each bound takes what is equal to it, and nothing above',
    BOUNDS.slice(0, -1).flatMap((le, i) => [
      ...ran(`at-${i}`, 'completed', Number(le) * 1000),
      ...ran(`above-${i}`, 'completed', Number(le) * 1000 + 1),
    ]),
    'rm_job',
    histogram('backup', 'succeeded', [1, 2, 2, 2, 2, 2, 2, 2, 2, 1], '227592.009'),
  ],
  [
    'durations below 0 are 0, and a sum from a million on is written as Go does, with every digit',
    [
      ...ran('1', 'completed', -3000),
      ...[1, 2].map((i) => ran(`l${i}`, 'completed', 199_999_999)).flat(),
    ].concat(Array.from({ length: 4 }, (_, i) => ran(`m${i}`, 'completed', 199_999_999)).flat()),
    'rm_job',
    histogram('backup', 'succeeded', [1, 0, 0, 0, 0, 0, 0, 0, 0, 6], '1.199999994e+06'),
  ],
  [
    'rows come by kind, then by status: cancelled, failed, succeeded; what never started has no duration',
    [
      ...ran('1', 'completed', 0, { result: 'success' }, { taskName: 'prune' }),
      ...ran('2', 'completed', 0, { result: 'skipped' }, { taskName: 'prune' }),
      ...ran('3', 'completed', 0, { result: 'failure' }, { taskName: 'prune' }),
      ...ran('4', 'completed', 0, { result: 'error' }, { taskName: 'prune' }),
      ...ran('5', 'failed', 0, {}, { taskName: 'prune' }),
      ...ran('6', 'aborted', 0, {}, { taskName: 'prune' }),
      ...ran('7', 'completed', 0, {}, { taskName: 'back up' }),
      ...ran('8', 'completed', 0, {}, { taskName: 'back' }),
      ...ran('9', 'completed', 0, {}, {}),
      told('job.completed', 'job/q/10', { taskName: 'prune' }),
      told('job.started', 'job/q/11', { taskName: 'prune' }),
    ],
    'rm_job_duration_seconds_count',
    [
      ...[
        'kind="",status="succeeded"} 1',
        'kind="back",status="succeeded"} 1',
        'kind="back up",status="succeeded"} 1',
      ],
      ...['kind="prune",status="cancelled"} 1', 'kind="prune",status="failed"} 3'],
      'kind="prune",status="succeeded"} 2',
    ].map((line) => `rm_job_duration_seconds_count{${line}`),
  ],
  [
    'each attempt is an observation of its own, and a job that is removed leaves its durations',
    [
      ...ran('1', 'failed', 2_000, { final: false }),
      { type: 'job.started', subject: 'job/q/1', time: NOW - 100_000, data: { attempt: 2 } },
      { type: 'job.completed', subject: 'job/q/1', time: NOW - 90_000, data: { attempt: 2 } },
      told('job.removed', 'job/q/1', {}, 1_000),
    ],
    'rm_job_duration_seconds_sum',
    ['failed"} 2', 'succeeded"} 10'].map((end) => `rm_job_duration_seconds_sum{kind="backup",status="${end}`),
  ],
];

/** Families in the order of the contract, with their types. */
const FAMILIES: readonly [name: string, type: string][] = [
  ...(
    [
      ...['hosts_total', 'hosts_online', 'active_alerts', 'build_info', 'host_agent_online'],
      ...['host_last_backup_timestamp_seconds', 'host_last_backup_success', 'host_repo_size_bytes'],
      ...['host_snapshot_count', 'host_open_alerts', 'host_repo_status'],
    ] as const
  ).map((name): [string, string] => [`rm_${name}`, 'gauge']),
  ['rm_job_duration_seconds', 'histogram'],
];

const TOKEN = 't0ken';
const INSIDE = [
  '10.0.0.0',
  '10.255.255.255',
  '192.0.2.7',
  '::ffff:10.0.0.1',
  '::ffff:a00:1',
  'fd00::1',
  'fd00::1%eth0',
  '::1',
];
const OUTSIDE = [
  '9.255.255.255',
  '11.0.0.0',
  '192.0.2.6',
  '192.0.2.8',
  '::ffff:11.0.0.1',
  'fe00::1',
  '::2',
  '127.0.0.1',
];

describe('the contract of restic-manager, sentence by sentence', () => {
  let system: TestSystem;
  const keys: string[] = [];

  beforeAll(async () => {
    const env = { QUIPU_METRICS_TOKEN: ` ${TOKEN} `, QUIPU_REQUESTS_PER_ADDRESS: '0' };
    system = await startTestSystem({ now: NOW, env });
    await system.tenants.ensure(
      SENTENCES.map((_, i) => `t${i}`),
      'auto',
    );
    await system.report(
      SENTENCES.flatMap(([, events], i) => events.map((event) => ({ tenant: `t${i}`, ...event }))),
    );
    for (const i of SENTENCES.keys()) keys.push(await system.principal(`t${i}`, 'scraper', 'scraper'));
  }, 120_000);
  afterAll(() => system.stop());

  it.each(SENTENCES.map((sentence, i) => [sentence[0], i, sentence] as const))(
    '%s',
    async (_, i, sentence) => {
      const [, , begin, lines] = sentence;
      const { body } = await system.request({
        ...{ method: 'GET' as const, url: '/metrics', headers: { authorization: `Bearer ${keys[i]}` } },
      });
      const families = parseExposition(body, 'text');
      expect(families.slice(0, FAMILIES.length).map(({ name, type }) => [name, type])).toEqual(FAMILIES);
      const found = body
        .split('\n')
        .filter((line) => line.startsWith(begin) && !line.startsWith('rm_build_info'));
      expect(found).toEqual(lines);
    },
  );
});

describe('the gate of restic-manager', () => {
  let system: TestSystem;

  beforeAll(async () => {
    const env = {
      QUIPU_METRICS_TRUSTED_CIDR: ' 10.0.0.0/8 ,192.0.2.7, fd00::/8,::1/128',
      QUIPU_REQUESTS_PER_ADDRESS: '0',
    };
    system = await startTestSystem({ now: NOW, env });
  }, 60_000);
  afterAll(() => system.stop());

  const ask = (remoteAddress: string, headers: Record<string, string> = {}, url = '/metrics') =>
    system.request({ method: 'GET', url, remoteAddress, headers });

  it('is open to addresses of the networks alone, of either family', async () => {
    for (const address of INSIDE) expect([address, (await ask(address)).statusCode]).toEqual([address, 200]);
    for (const address of OUTSIDE) expect([address, (await ask(address)).statusCode]).toEqual([address, 404]);
  });

  it('refuses whoever shows something that is no key, also from within', async () => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer nope',
      'Basic dDprZXk=',
      'nope',
      `Bearer ${'x'.repeat(600)}`,
    ]) {
      expect([authorization, (await ask('10.0.0.5', { authorization })).statusCode]).toEqual([
        authorization,
        404,
      ]);
    }
    for (const forwarded of ['10.0.0.5', '::1', '10.0.0.5, 10.0.0.6']) {
      expect(
        (await ask('203.0.113.9', { 'x-forwarded-for': forwarded, forwarded: `for=${forwarded}` }))
          .statusCode,
      ).toBe(404);
    }
  });

  it('looks, to whoever is refused, as no path does, in any spelling and with any method', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE'] as const) {
      for (const tail of ['', '?format=openmetrics', '?token=x', '/', '/x']) {
        const [gate, nothing] = await Promise.all(
          ['/metrics', '/metricz'].map((path) =>
            system.request({
              method,
              url: path + tail,
              remoteAddress: '203.0.113.9',
              headers: { accept: 'image/png' },
            }),
          ),
        );
        expect([method, tail, gate!.statusCode, { ...gate!.headers, date: '' }]).toEqual([
          ...[method, tail, 404, { ...nothing!.headers, date: '' }],
        ]);
        // A HEAD's body goes nowhere.
        if (method !== 'HEAD') expect(gate!.body.replace('/metrics', '/metricz')).toBe(nothing!.body);
      }
    }
    for (const url of ['/METRICS', '//metrics', '/metrics/', '/metrics.txt']) {
      expect([url, (await ask('10.0.0.5', {}, url)).statusCode]).toEqual([url, 404]);
    }
  });
});
