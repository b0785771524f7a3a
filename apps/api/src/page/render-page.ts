/** Depth of one tenant, summed over its queues. */
export interface PageDepth {
  readonly tenant: string;
  readonly queued: number;
  readonly delayed: number;
  readonly blocked: number;
  readonly inProgress: number;
  /** Age of the job that waits longest, ms; null when none waits. */
  readonly oldestMs: number | null;
}

/** Usage of one tenant, in node-milliseconds: exact. */
export interface PageUsage {
  readonly tenant: string;
  readonly lastDay: bigint;
  readonly total: bigint;
}

/** Everything the status page shows. Numbers of one caller's scope only. */
export interface PageModel {
  /** When the numbers were read, ms. */
  readonly asOf: number;
  readonly depth: readonly PageDepth[];
  readonly usage: readonly PageUsage[];
  /** Events appended but not yet folded, and for how long the oldest of them has waited (ms). */
  readonly lag: { readonly events: bigint; readonly ms: number };
  /** Why the system is degraded, in words; empty when it is well. */
  readonly warnings: readonly string[];
}

/** The look of every page. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ink:#1d2430;--soft:#667085;--line:#e3e7ee;--ground:#fbfbfa;--card:#fff;--accent:#9a3412;--ok:#166534;--warn:#b45309}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaef;--soft:#98a2b3;--line:#2b3240;--ground:#12151b;--card:#191d25;--accent:#fdba74;--ok:#86efac;--warn:#fcd34d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:960px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;margin:0;letter-spacing:-.01em}
h1 span{color:var(--accent)}
h2{font-size:15px;margin:32px 0 8px}
p{margin:4px 0;color:var(--soft)}
a{color:var(--accent)}
.state{display:inline-block;margin-top:16px;padding:3px 10px;border:1px solid currentColor;border-radius:999px;font-size:13px}
.ok{color:var(--ok)}.warn{color:var(--warn)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:8px 14px;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
thead th{font-size:12px;font-weight:600;color:var(--soft);border-bottom:1px solid var(--line)}
tbody tr+tr td{border-top:1px solid var(--line)}
tfoot td{border-top:2px solid var(--line);font-weight:600}
.none{padding:14px;color:var(--soft)}
@media(max-width:560px){main{padding:24px 12px 48px}th,td{padding:8px 6px;font-size:14px}thead th{white-space:normal}th:first-child,td:first-child{position:sticky;left:0;background:var(--card);max-width:40vw;overflow:hidden;text-overflow:ellipsis}}
footer{margin-top:32px;color:var(--soft);font-size:13px}`;

/**
 * Renders the status page: depth and usage per tenant, lag, and where to read on. Complete HTML without script;
 * every text that comes from outside is escaped.
 */
export function renderPage(model: PageModel): string {
  return htmlDocument(
    'Quipu',
    `${stateLine(model)}
${model.warnings.map((warning) => `<p class="warn">${escapeHtml(warning)}</p>`).join('\n')}
<h2>Queues</h2>
<div class="card">${depthTable(model.depth)}</div>
<h2>Node-hours</h2>
<div class="card">${usageTable(model.usage)}</div>
<footer>As of ${escapeHtml(new Date(model.asOf).toISOString())}. The same numbers for programs:
<a href="/docs#queues">/api/queues</a>, <a href="/docs#usage">/api/usage</a>,
<a href="/health/ready">/health/ready</a>, and all there is to ask: <a href="/docs">/docs</a>.
What they mean: <code>docs/semantics.md</code>.</footer>`,
  );
}

/** A page for a caller who may not see numbers, with what to do about it. */
export function renderNotice(title: string, text: string): string {
  return htmlDocument(title, `<h2>${escapeHtml(title)}</h2>\n<p>${escapeHtml(text)}</p>`);
}

function htmlDocument(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body><main>
<h1><span>⌁</span> Quipu</h1>
<p>What every tenant has queued, running and used.</p>
${body}
</main></body>
</html>
`;
}

function stateLine({ lag, warnings }: PageModel): string {
  const well = warnings.length === 0;
  const behind =
    lag.events === 0n ? 'every event is counted' : `${lag.events} events behind, ${seconds(lag.ms)} s`;
  return `<p><span class="state ${well ? 'ok' : 'warn'}">${well ? 'well' : 'degraded'} · ${behind}</span></p>`;
}

function depthTable(rows: readonly PageDepth[]): string {
  if (rows.length === 0) return '<div class="none">No tenant yet.</div>';
  const body = rows.map(({ tenant, queued, delayed, blocked, inProgress, oldestMs }) =>
    row([
      tenant,
      count(queued),
      count(delayed),
      count(blocked),
      count(inProgress),
      oldestMs === null ? '–' : age(oldestMs),
    ]),
  );
  const sum = (pick: (one: PageDepth) => number): string =>
    count(rows.reduce((total, one) => total + pick(one), 0));
  const oldest = rows.reduce<number | null>(
    (most, { oldestMs }) => (oldestMs === null ? most : Math.max(most ?? 0, oldestMs)),
    null,
  );
  const total = [
    'all',
    sum((r) => r.queued),
    sum((r) => r.delayed),
    sum((r) => r.blocked),
    sum((r) => r.inProgress),
    oldest === null ? '–' : age(oldest),
  ];
  return table(['tenant', 'queued', 'delayed', 'blocked', 'in progress', 'oldest waiting'], body, row(total));
}

function usageTable(rows: readonly PageUsage[]): string {
  if (rows.length === 0) return '<div class="none">No node has been used yet.</div>';
  const body = rows.map(({ tenant, lastDay, total }) => row([tenant, hours(lastDay), hours(total)]));
  const sum = (pick: (one: PageUsage) => bigint): string =>
    hours(rows.reduce((total, one) => total + pick(one), 0n));
  return table(
    ['tenant', 'last 24 hours', 'ever'],
    body,
    row(['all', sum((r) => r.lastDay), sum((r) => r.total)]),
  );
}

function table(head: readonly string[], body: readonly string[], foot: string): string {
  const columns = head.map((name) => `<th scope="col">${name}</th>`).join('');
  return `<table><thead><tr>${columns}</tr></thead><tbody>${body.join('')}</tbody><tfoot>${foot}</tfoot></table>`;
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Node-milliseconds as node-hours with two decimals, cut, never rounded up. */
function hours(nodeMs: bigint): string {
  const hundredths = nodeMs / 36_000n;
  return `${(hundredths / 100n).toLocaleString('en-US')}.${(hundredths % 100n).toString().padStart(2, '0')}`;
}

function seconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(1);
}

/** An age in its two largest units. */
function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** Makes text safe inside HTML elements and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
