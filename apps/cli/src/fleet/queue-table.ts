import { type QueueStanding } from '@quipu/read-models';
import { formatCount, formatDuration } from '../support/numbers.js';
import { renderTable, visibleWidth } from '../support/table.js';
import { type Colours, type Terminal } from '../support/terminal.js';
import { lengthText, nameText, rateText, verdictText } from './fleet-texts.js';

interface QueueColumn {
  readonly title: string;
  readonly left?: boolean;
  /** The smaller, the earlier it is left out where there is no room; those without stay. */
  readonly spare?: number;
  readonly cell: (row: QueueStanding, colours: Colours) => string;
  readonly sum?: (rows: readonly QueueStanding[]) => string;
}

const depth = (name: 'queued' | 'delayed' | 'blocked' | 'inProgress') => ({
  cell: (row: QueueStanding) => formatCount(row[name]),
  sum: (rows: readonly QueueStanding[]) =>
    formatCount(rows.reduce((all, row) => all + BigInt(row[name]), 0n)),
});

const COLUMNS: readonly QueueColumn[] = [
  { title: 'tenant', left: true, cell: ({ tenant }) => nameText(tenant), sum: () => 'total' },
  { title: 'queue', left: true, cell: ({ queue }) => nameText(queue) },
  { title: 'queued', ...depth('queued') },
  { title: 'delayed', spare: 4, ...depth('delayed') },
  { title: 'blocked', spare: 3, ...depth('blocked') },
  { title: 'in progress', ...depth('inProgress') },
  {
    ...{ title: 'oldest waiting', spare: 5 },
    cell: ({ oldestWaitingMs }) => ageText(oldestWaitingMs),
    sum: (rows) => {
      const ages = rows.map((row) => row.oldestWaitingMs).filter((ms) => ms !== null);
      return ageText(ages.length === 0 ? null : Math.max(...ages));
    },
  },
  { title: 'in/min', spare: 6, cell: ({ arrivals }) => rateText(arrivals[1]) },
  { title: 'out/min', spare: 6, cell: ({ departures }) => rateText(departures[1]) },
  { title: 'mean wait', spare: 2, cell: ({ waits }) => lengthText(waits?.meanMs ?? null) },
  { title: 'mean run', spare: 1, cell: ({ runs }) => lengthText(runs?.meanMs ?? null) },
  { title: 'workers', spare: 7, cell: ({ workers }) => (workers === null ? '–' : formatCount(workers)) },
  { title: 'verdict', left: true, cell: ({ verdict }, colours) => verdictText(verdict, colours) },
];

/**
 * Queues as a table: depth, who serves them, and what to think of them; sums below.
 * @param options.width columns of the screen: what matters least is left out until the table fits.
 */
export function queueTable(
  terminal: Pick<Terminal, 'colours'>,
  rows: readonly QueueStanding[],
  { totals = true, width = Infinity }: { readonly totals?: boolean; readonly width?: number } = {},
): string {
  let columns = COLUMNS;
  for (;;) {
    const table = tableOf(terminal, columns, rows, totals);
    const wide = Math.max(...table.split('\n').map(visibleWidth));
    const least = Math.min(...columns.map(({ spare }) => spare ?? Infinity));
    if (wide <= width || least === Infinity) return table;
    columns = columns.filter(({ spare }) => spare !== least);
  }
}

function tableOf(
  { colours }: Pick<Terminal, 'colours'>,
  columns: readonly QueueColumn[],
  rows: readonly QueueStanding[],
  totals: boolean,
): string {
  return renderTable(
    { colours },
    columns.map(({ title, left }) => ({ title, align: left ? 'left' : 'right' })),
    rows.map((row) => columns.map(({ cell }) => cell(row, colours))),
    { indent: 2, ...(totals ? { totals: columns.map(({ sum }) => sum?.(rows) ?? '') } : {}) },
  );
}

/** Ages are told in whole seconds. */
function ageText(ms: number | null): string {
  return ms === null ? '–' : formatDuration(Math.floor(ms / 1000) * 1000);
}
