#!/usr/bin/env node
/**
 * Writes docs/metrics.md from the catalogue of metrics and the words below.
 *
 *   node tools/generate-metric-docs.mjs            write it (after a build)
 *   node tools/generate-metric-docs.mjs --check    exit 1 if it is stale
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const DOCS = join(ROOT, 'docs', 'metrics.md');

const DIALECTS = {
  debusine: {
    title: 'Debusine',
    about: '`GET /api/1.0/open-metrics/`. Names, labels and help are those of Debusine.',
  },
  restic: {
    title: 'restic-manager',
    about: '`GET /metrics`, first. The prefix `rm_` is configurable (`QUIPU_METRICS_HOST_PREFIX`).',
  },
  quipu: { title: 'Quipu', about: '`GET /metrics`, after restic-manager’s families, and sorted.' },
};

const AUDIENCES = {
  tenant: 'each tenant its own',
  fleet: 'everybody: the fleet is shared',
  platform: 'whoever sees all tenants',
  internal: 'not scraped; other answers read it',
};

const FOLDS = { sum: 'their sum', max: 'the greatest of them', min: 'the least of them' };

const ZERO_SOURCES = {
  scopes: 'known scopes',
  pools: 'known pools',
  issuers: 'known issuers',
  task_names: 'task names of the vocabulary',
  artifact_categories: 'artifact categories of the vocabulary',
  collection_categories: 'collection categories of the vocabulary',
  asset_categories: 'asset categories of the vocabulary',
  workflow_names: 'workflow names of the vocabulary',
};

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head, rows) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (text) => `\`${text}\``;

function labelsOf({ labels, openLabels }) {
  const names = labels.map(code);
  if (openLabels !== undefined) names.push(`\`${openLabels}…\``);
  return names.length === 0 ? 'none' : names.join(', ');
}

/** Where a family's values come from, in words. */
function sourceOf(family) {
  if (family.source === 'operational') return 'the system itself';
  const kinds = Object.keys(family.of).join(', ') || `what is stored as \`${family.stored}\``;
  return { members: `ages of ${kinds}`, oldest: `age of the oldest ${kinds}` }[family.form] ?? kinds;
}

function zeroRows({ zeroRows: rows }) {
  if (rows === undefined) return undefined;
  const parts = Object.entries(rows).map(([label, values]) =>
    Array.isArray(values)
      ? `\`${label}\`: ${values.map(code).join(', ')}`
      : `\`${label}\`: ${ZERO_SOURCES[values]}`,
  );
  return parts.length === 0 ? 'one row, always' : parts.join('; ');
}

function bucketUnit(family) {
  if (family.form === 'members') return 'days';
  return family.name.includes('size') &&
    family.dialect === 'debusine' &&
    !family.name.startsWith('collection')
    ? 'bytes'
    : family.scale === 1000
      ? 'seconds'
      : 'things';
}

function details(family) {
  const rows = [
    ['type', code(family.type)],
    ...(family.unit === undefined ? [] : [['unit', family.unit]]),
    ['labels', labelsOf(family)],
    ['of', sourceOf(family)],
    ['shown to', AUDIENCES[family.audience]],
  ];
  if (family.buckets?.length > 0) {
    rows.push(['buckets', `${family.buckets.join(', ')}, +Inf (${bucketUnit(family)})`]);
  }
  const zeros = zeroRows(family);
  if (zeros !== undefined) rows.push(['rows of 0', zeros]);
  if (family.hidden !== undefined) rows.push(['public view leaves out', family.hidden.map(code).join(', ')]);
  if (family.folds !== undefined) rows.push(['beyond the budget', FOLDS[family.folds]]);
  if (family.source === 'totals' && family.stored !== family.name)
    rows.push(['stored as', code(family.stored)]);
  return rows;
}

function familySection(family) {
  const sample = family.type === 'counter' ? `${family.name}_total` : family.name;
  return [`### ${sample}`, family.help, table(['', ''], details(family))].join('\n\n');
}

/** The page as Markdown, not yet formatted. @param ledger the module @quipu/ledger. */
export function renderMetricDocs(ledger) {
  const sections = Object.entries(DIALECTS).flatMap(([dialect, { title, about }]) => {
    const families = ledger.metricFamilies.filter((family) => family.dialect === dialect);
    const sorted = [...families].sort((a, b) => (a.name < b.name ? -1 : 1));
    return [`## ${title}`, about, ...sorted.map(familySection)];
  });
  return [
    '<!-- Generated from libs/ledger/src/metrics by tools/generate-metric-docs.mjs: change that, not this page. -->',
    '# Metrics',
    'Every family of the scrape. What exactly each counts is in [semantics.md](semantics.md), how to scrape them in [prometheus.md](prometheus.md).',
    'A counter’s samples end in `_total`. A `gaugehistogram` is the distribution of a population that can shrink; the older text format calls it a histogram. Buckets of `quipu_job_wait_seconds` and `quipu_job_run_seconds` are set by `QUIPU_JOB_WAIT_BUCKETS` and `QUIPU_JOB_RUN_BUCKETS` (seconds, ascending, separated by commas); every process must be given the same, and after a change `quipu projections reseed` sums the ledger anew. Series beyond a family’s budget (`QUIPU_METRICS_MAX_SERIES`) are one, with `__other__` as labels: their sum, unless it says otherwise.',
    ...sections,
    '',
  ].join('\n\n');
}

/** The page as it has to stand in docs/metrics.md. */
export async function generateMetricDocs(ledger) {
  const prettier = await import('prettier');
  const options = await prettier.resolveConfig(DOCS);
  return prettier.format(renderMetricDocs(ledger), { ...options, filepath: DOCS });
}

async function main(args) {
  const built = join(ROOT, 'dist', 'libs', 'ledger', 'src', 'index.js');
  const ledger = await import(pathToFileURL(args.find((arg) => !arg.startsWith('--')) ?? built).href);
  const page = await generateMetricDocs(ledger);
  if (!args.includes('--check')) return writeFile(DOCS, page);
  if (page === (await readFile(DOCS, 'utf8'))) return undefined;
  process.stderr.write('docs/metrics.md is stale: run node tools/generate-metric-docs.mjs\n');
  process.exitCode = 1;
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
