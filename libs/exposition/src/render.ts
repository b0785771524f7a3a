import { escapeHelp } from './labels.js';
import { cumulate, valueText } from './numbers.js';
import { type Family, type Format, type HistogramFamily, type SimpleFamily } from './types.js';

/** How to cut a rendering into chunks. */
export interface RenderOptions {
  /** Length of a chunk in characters, about: what is rendered without a pause. Default 64 Ki. */
  readonly chunkLength?: number;
  /** Whether OpenMetrics ends with `# EOF`: false for a block that others follow. Default true. */
  readonly end?: boolean;
}

const CHUNK_LENGTH = 65_536;

/**
 * Renders families in the given order, every family with its HELP and TYPE even without series. Each chunk is
 * whole lines, and takes well under a millisecond: who lets the event loop turn between chunks blocks nobody.
 */
export function* renderChunks(
  families: Iterable<Family>,
  format: Format,
  { chunkLength = CHUNK_LENGTH, end = true }: RenderOptions = {},
): Generator<string, void, undefined> {
  let text = '';
  for (const family of families) {
    text += headText(family, format);
    const lines = isHistogram(family) ? histogramLines(family, format) : simpleLines(family, format);
    for (const line of lines) {
      text += line;
      if (text.length >= chunkLength) {
        yield text;
        text = '';
      }
    }
  }
  if (end && format === 'openmetrics') text += '# EOF\n';
  if (text !== '') yield text;
}

/** The same as one text, in one go. */
export function renderText(families: Iterable<Family>, format: Format, options: RenderOptions = {}): string {
  return [...renderChunks(families, format, options)].join('');
}

/**
 * The same as an array of chunks, awaiting `pause` between them: hand it a function that lets the event loop
 * turn (setImmediate).
 */
export async function renderYielding(
  families: Iterable<Family>,
  format: Format,
  pause: () => Promise<void>,
  options: RenderOptions = {},
): Promise<string[]> {
  const chunks: string[] = [];
  for (const chunk of renderChunks(families, format, options)) {
    chunks.push(chunk);
    await pause();
  }
  return chunks;
}

/** Families by name, as the specification recommends; for those who have no order of their own. */
export function sortFamilies<F extends { readonly name: string }>(families: Iterable<F>): F[] {
  return [...families].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function isHistogram(family: Family): family is HistogramFamily {
  return family.type === 'histogram' || family.type === 'gaugehistogram';
}

/** The name that HELP and TYPE are about: in the older text it is that of the samples. */
function headName(family: Family, format: Format): string {
  return format === 'openmetrics' || isHistogram(family) ? family.name : family.name + suffixOf(family);
}

function suffixOf(family: SimpleFamily): string {
  if (family.type === 'counter') return '_total';
  return family.type === 'info' ? '_info' : '';
}

const TEXT_TYPES: Readonly<Record<Family['type'], string>> = {
  ...{ gauge: 'gauge', counter: 'counter', info: 'gauge', unknown: 'untyped' },
  ...{ histogram: 'histogram', gaugehistogram: 'histogram' },
};

function headText(family: Family, format: Format): string {
  const name = headName(family, format);
  const open = format === 'openmetrics';
  const type = open ? family.type : TEXT_TYPES[family.type];
  const head = `# HELP ${name} ${escapeHelp(family.help, open)}\n# TYPE ${name} ${type}\n`;
  const unit = family.unit;
  return open && unit !== undefined && name.endsWith(`_${unit}`) ? `${head}# UNIT ${name} ${unit}\n` : head;
}

function* simpleLines(family: SimpleFamily, format: Format): Generator<string> {
  const name = family.name + suffixOf(family);
  const withCreated = format === 'openmetrics' && family.type === 'counter';
  for (const series of family.series) {
    const labels = series.labels === '' ? '' : `{${series.labels}}`;
    yield `${name}${labels} ${valueText(series.value)}\n`;
    if (withCreated && series.created !== undefined) {
      yield `${family.name}_created${labels} ${valueText(series.created)}\n`;
    }
  }
}

function* histogramLines(family: HistogramFamily, format: Format): Generator<string> {
  const { name, bounds } = family;
  const gauge = format === 'openmetrics' && family.type === 'gaugehistogram';
  const withCreated = format === 'openmetrics' && family.type === 'histogram';
  for (const series of family.series) {
    const before = series.labels === '' ? '' : `${series.labels},`;
    const after =
      series.labelsAfterLe === undefined || series.labelsAfterLe === '' ? '' : `,${series.labelsAfterLe}`;
    const sums = cumulate(series.counts, bounds.length);
    let lines = '';
    for (const [i, bound] of bounds.entries()) {
      lines += `${name}_bucket{${before}le="${bound}"${after}} ${sums[i]!}\n`;
    }
    const whole = before === '' ? after.slice(1) : series.labels + after;
    const labels = whole === '' ? '' : `{${whole}}`;
    if (series.sum !== undefined) {
      lines += `${name}_${gauge ? 'gsum' : 'sum'}${labels} ${valueText(series.sum)}\n`;
      lines += `${name}_${gauge ? 'gcount' : 'count'}${labels} ${sums.at(-1) ?? '0'}\n`;
    }
    if (withCreated && series.created !== undefined) {
      lines += `${name}_created${labels} ${valueText(series.created)}\n`;
    }
    yield lines;
  }
}
