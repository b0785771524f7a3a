import { type DepthRow, type UsageAnswer, type UsageGroup } from '@quipu/read-models';
import { formatCount, formatSeconds } from '../support/numbers.js';
import { depthTable } from '../support/depth.js';
import { renderTable } from '../support/table.js';
import { type Terminal } from '../support/terminal.js';
import { DEMO_TENANTS } from './tenants.js';

/** Depth of the demo's queues. */
export function drawDepth(terminal: Terminal, rows: readonly DepthRow[]): string {
  const ours = new Set(DEMO_TENANTS.map((tenant) => tenant.id));
  return depthTable(
    terminal,
    rows.filter((row) => ours.has(row.tenant)),
  );
}

/** Usage of the demo's tenants, and how many nodes they hold now. */
export function drawUsage(terminal: Terminal, usage: UsageAnswer, nodesNow: readonly UsageGroup[]): string {
  const held = new Map(nodesNow.map((row) => [row.group.tenant, row.total]));
  const rows = DEMO_TENANTS.map(({ id }) => {
    const used = usage.rows.find((row) => row.group.tenant === id)?.total ?? 0n;
    return { id, held: held.get(id) ?? 0n, used };
  });
  const sum = (pick: (row: (typeof rows)[number]) => bigint): bigint =>
    rows.reduce((all, row) => all + pick(row), 0n);
  return renderTable(
    terminal,
    [{ title: 'tenant' }, { title: 'nodes now', align: 'right' }, { title: 'node-seconds', align: 'right' }],
    rows.map((row) => [row.id, formatCount(row.held), formatSeconds(row.used)]),
    {
      indent: 2,
      totals: ['total', formatCount(sum((row) => row.held)), formatSeconds(sum((row) => row.used))],
    },
  );
}
