import { escapeHelp, joinLabels, NO_LABELS } from './labels.js';
import { cumulate, valueText } from './numbers.js';
import { SeriesTable } from './series-table.js';
import {
  type Family,
  type Format,
  type HistogramFamily,
  type HistogramSeries,
  type SimpleFamily,
  type Value,
} from './types.js';

/** How to cut a rendering into chunks. */
export interface RenderOptions {
  /** Length of a chunk in characters, about: what is rendered without a pause. Default 256 Ki. */
  readonly chunkLength?: number;
  /** Whether OpenMetrics ends with `# EOF`: false for a block that others follow. Default true. */
  readonly end?: boolean;
}

const CHUNK_LENGTH = 262_144;

/**
 * Renders families in the given order, every family with its HELP and TYPE even without series. Each chunk is
 * whole lines, and takes about a millisecond: who lets the event loop turn between chunks blocks nobody.
 */
export function* renderChunks(
  families: Iterable<Family>,
  format: Format,
  { chunkLength = CHUNK_LENGTH, end = true }: RenderOptions = {},
): Generator<string, void, undefined> {
  let text = '';
  for (const family of families) {
    text += headText(family, format);
    for (const part of isHistogram(family) ? histogramTexts(family, format) : simpleTexts(family, format)) {
      text += part;
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

function* simpleTexts(family: SimpleFamily, format: Format): Generator<string, void, undefined> {
  const { series } = family;
  const name = family.name + suffixOf(family);
  const withCreated = format === 'openmetrics' && family.type === 'counter';
  if (series instanceof SeriesTable) {
    yield* series.texts(name, withCreated ? `${family.name}_created` : undefined);
  } else {
    yield* inBatches(series, ({ labels, value, created }) => {
      const line = lineText(name, labels, value);
      if (!withCreated || created === undefined) return line;
      return line + lineText(`${family.name}_created`, labels, created);
    });
  }
}

const BATCH_LENGTH = 8_192;

/** Texts of several series each, since every yield costs more than a line. */
function* inBatches<S>(
  series: Iterable<S>,
  write: (series: S) => string,
): Generator<string, void, undefined> {
  let text = '';
  for (const one of series) {
    text += write(one);
    if (text.length >= BATCH_LENGTH) {
      yield text;
      text = '';
    }
  }
  yield text;
}

function lineText(name: string, labels: string, value: Value): string {
  const text = typeof value === 'string' ? value : valueText(value);
  return labels === '' ? `${name} ${text}\n` : `${name}{${labels}} ${text}\n`;
}

function histogramTexts(family: HistogramFamily, format: Format): Iterable<string> {
  return inBatches(family.series, histogramWriter(family, format));
}

function histogramWriter(family: HistogramFamily, format: Format): (series: HistogramSeries) => string {
  const { name, bounds } = family;
  const gauge = format === 'openmetrics' && family.type === 'gaugehistogram';
  const withCreated = format === 'openmetrics' && family.type === 'histogram';
  const [sumName, countName] = gauge ? [`${name}_gsum`, `${name}_gcount`] : [`${name}_sum`, `${name}_count`];
  return ({ labels, labelsAfterLe = NO_LABELS, counts, sum, created }) => {
    const before = labels === '' ? '' : `${labels},`;
    const after = labelsAfterLe === '' ? '' : `,${labelsAfterLe}`;
    const sums = cumulate(counts, bounds.length);
    let lines = '';
    for (let i = 0; i < bounds.length; i += 1) {
      lines += `${name}_bucket{${before}le="${bounds[i]!}"${after}} ${sums[i]!}\n`;
    }
    const whole = joinLabels(labels, labelsAfterLe);
    if (sum !== undefined) {
      lines += lineText(sumName, whole, sum) + lineText(countName, whole, sums.at(-1) ?? '0');
    }
    if (withCreated && created !== undefined) lines += lineText(`${name}_created`, whole, created);
    return lines;
  };
}
