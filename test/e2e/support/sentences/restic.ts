import { NOW } from '../small-events.js';
import type { ScrapeSentence } from './quipu.js';
import { told, type Told } from './told.js';

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

/** Of restic-manager’s contract. */
export const RESTIC_SENTENCES: readonly ScrapeSentence[] = [
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
