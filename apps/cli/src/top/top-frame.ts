import { countText, workersTable } from '../fleet/print-workers.js';
import { nameText, rateText } from '../fleet/fleet-texts.js';
import { queueTable } from '../fleet/queue-table.js';
import { formatCount, formatDuration, plural } from '../support/numbers.js';
import { renderTable, visibleWidth } from '../support/table.js';
import { type Colours } from '../support/terminal.js';
import { formatTime } from '../support/times.js';
import { type TopData, type TopTenant } from './top-data.js';
import { ordered, type TopView } from './top-view.js';

/** How large a frame may be; without a size it is as long as it takes. */
export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a frame is drawn from. */
export interface Frame {
  readonly data: TopData;
  readonly view: TopView;
  readonly colours: Colours;
  readonly size: FrameSize | null;
  /** Keys are listened to, and told. */
  readonly keys: boolean;
  /** Why the numbers are not newer; undefined while they are. */
  readonly trouble?: string | undefined;
}

interface Section {
  readonly title: string;
  /** Heading and rows of a table. */
  readonly lines: readonly string[];
  /** How many rows there are, shown or not. */
  readonly rows: number;
}

/** One frame as text, without a line break at its end; no line is longer than the screen, and there are not more. */
export function renderFrame(frame: Frame): string {
  const { view, colours, size } = frame;
  const data = ordered(frame.data, view);
  const head = [headLine(frame), ...(frame.trouble === undefined ? [] : [colours.red(frame.trouble)])];
  const foot = frame.keys ? [footLine(view, colours)] : [];
  // What no screen has room for is not laid out.
  const most = size?.rows ?? Infinity;
  const width = size?.columns ?? Infinity;
  const sections = [
    section(`TENANTS by ${view.tenants}`, data.tenants, most, (rows) => tenantTable(rows, colours)),
    section(`QUEUES by ${view.queues}`, data.queues, most, (rows) =>
      queueTable({ colours }, rows, { totals: false, width }),
    ),
    section(`WORKERS by ${view.workers}`, data.workers, most, (rows) =>
      workersTable({ colours }, rows, data.now),
    ),
  ];
  const room = size === null ? Infinity : size.rows - head.length - foot.length;
  const body = fitted(sections, room, colours);
  const filler = size === null ? [] : Array<string>(Math.max(0, room - body.length)).fill('');
  const lines = [...head, ...body, ...filler, ...foot];
  return size === null
    ? lines.join('\n')
    : lines
        .slice(0, size.rows)
        .map((line) => cut(line, size.columns))
        .join('\n');
}

function headLine({ data, view, colours }: Frame): string {
  const queued = data.queues.reduce((sum, row) => sum + row.queued, 0);
  const running = data.queues.reduce((sum, row) => sum + row.inProgress, 0);
  const at = formatTime(Math.floor(data.now / 1000) * 1000);
  const jobs = `${formatCount(queued)} queued, ${formatCount(running)} in progress`;
  const paused = view.paused ? colours.yellow('  paused') : '';
  return `${colours.bold('quipu top')}  ${at}  ${jobs}  ${colours.dim(countText(data.workers))}${paused}`;
}

function footLine(view: TopView, colours: Colours): string {
  const every = formatDuration(view.everyMs);
  return colours.dim(`q quit  t/s/w order of tenants/queues/workers  r reverse  p pause  +/- every ${every}`);
}

function tenantTable(rows: readonly TopTenant[], colours: Colours): string {
  const right = ['queued', 'in progress', 'in/min', 'done/min', 'nodes'];
  return renderTable(
    { colours },
    [{ title: 'tenant' }, ...right.map((title) => ({ title, align: 'right' as const }))],
    rows.map((row) => [
      nameText(row.tenant),
      ...[formatCount(row.queued), formatCount(row.inProgress)],
      ...[rateText(row.arrivals), rateText(row.completions), formatCount(row.nodes)],
    ]),
    { indent: 2 },
  );
}

function section<T>(
  title: string,
  rows: readonly T[],
  most: number,
  table: (rows: readonly T[]) => string,
): Section {
  const lines = rows.length === 0 ? ['  none'] : table(rows.slice(0, most)).split('\n');
  return { title, lines, rows: rows.length };
}

/** Title, heading and at least a row each; what is left of the room goes to those that need it, evenly. */
function fitted(sections: readonly Section[], room: number, colours: Colours): string[] {
  const wanted = sections.map(({ lines }) => lines.length);
  const given = wanted.map((lines) => Math.min(lines, 2));
  // A blank line and a title stand above each.
  let left = room - given.reduce((sum, lines) => sum + lines + 2, 0);
  while (left > 0 && given.some((lines, i) => lines < wanted[i]!)) {
    for (let i = 0; i < given.length && left > 0; i++) {
      if (given[i]! >= wanted[i]!) continue;
      given[i]! += 1;
      left -= 1;
    }
  }
  return sections.flatMap(({ title, lines, rows }, i) => {
    const shown = lines.slice(0, given[i]);
    const hidden = rows - Math.min(rows, Math.max(0, shown.length - 1));
    const more = hidden === 0 ? '' : `, ${plural(hidden, 'row')} not shown`;
    return ['', colours.bold(title) + colours.dim(more), ...shown];
  });
}

/** The line, cut to the width of the screen; colour codes take no room, and what is coloured ends so. */
function cut(line: string, width: number): string {
  if (visibleWidth(line) <= width) return line;
  let shown = '';
  let used = 0;
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b')) {
      shown += part;
      continue;
    }
    const characters = [...part].slice(0, Math.max(0, width - 1 - used));
    used += characters.length;
    shown += characters.join('');
  }
  return `${shown}…`;
}
