import { DepthQueries, type DepthRow } from '@quipu/read-models';
import { createRedis } from '@quipu/platform';
import { nameText } from '../fleet/fleet-texts.js';
import { formatCount, formatDuration } from './numbers.js';
import { type Services } from './services.js';
import { renderTable } from './table.js';
import { type Terminal } from './terminal.js';

/** Depth queries for the time of a command. */
export function openDepth(services: Services): DepthQueries {
  const redis = createRedis(services.redisUrl, 'plain', 'quipu-cli-depth');
  services.onClose(() => Promise.resolve(redis.disconnect()));
  return new DepthQueries(services.pool, redis);
}

/** Depth as a table: one line per tenant and queue, sums below. */
export function depthTable(terminal: Terminal, rows: readonly DepthRow[]): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    ...[{ title: 'tenant' }, { title: 'queue' }],
    ...['queued', 'delayed', 'blocked', 'in progress', 'oldest waiting'].map(right),
  ];
  const sum = (name: 'queued' | 'delayed' | 'blocked' | 'inProgress'): string =>
    formatCount(rows.reduce((all, row) => all + BigInt(row[name]), 0n));
  const ages = rows.map((row) => row.oldestWaitingMs).filter((ms) => ms !== null);
  const age = (ms: number | null): string =>
    ms === null ? '–' : formatDuration(Math.floor(ms / 1000) * 1000);
  return renderTable(
    terminal,
    columns,
    rows.map((row) => [
      ...[row.tenant, row.queue].map(nameText),
      ...[row.queued, row.delayed, row.blocked, row.inProgress].map(formatCount),
      age(row.oldestWaitingMs),
    ]),
    {
      indent: 2,
      totals: [
        ...['total', '', sum('queued'), sum('delayed'), sum('blocked'), sum('inProgress')],
        age(ages.length === 0 ? null : Math.max(...ages)),
      ],
    },
  );
}
