import { type Format } from './types.js';

/** Content-Type of each format. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  text: 'text/plain; version=0.0.4; charset=utf-8',
};

const OFFERED: readonly { format: Format; type: string; subtype: string; version: string }[] = [
  { format: 'openmetrics', type: 'application', subtype: 'openmetrics-text', version: '1.0.0' },
  { format: 'text', type: 'text', subtype: 'plain', version: '0.0.4' },
];

/** `?format=` and what it stands for. */
const NAMED: Readonly<Record<string, Format>> = {
  openmetrics: 'openmetrics',
  prometheus: 'text',
  text: 'text',
};

interface Range {
  readonly type: string;
  readonly subtype: string;
  readonly version: string | undefined;
  readonly q: number;
}

interface Match {
  readonly q: number;
  /** 0 any type, 1 any subtype, 2 named, 3 named with its version. */
  readonly precision: number;
}

/**
 * The format to answer in, or null when none is acceptable (406). A `?format=` that names one decides alone; else the Accept
 * header by its q-values, each format judged by the most precise range that covers it. Where both are as
 * welcome, OpenMetrics if it was named, else the older text, which everybody can read.
 */
export function negotiateFormat(accept: string | undefined, named?: string): Format | null {
  if (named !== undefined && named !== '') return Object.hasOwn(NAMED, named) ? NAMED[named]! : null;
  if (accept === undefined || accept.trim() === '') return 'text';
  const ranges = accept.split(',').flatMap((part) => parseRange(part));
  const [open, text] = OFFERED.map((offer) => bestMatch(ranges, offer)) as [Match, Match];
  if (open.q <= 0 && text.q <= 0) return null;
  if (open.q !== text.q) return open.q > text.q ? 'openmetrics' : 'text';
  return open.precision >= 2 ? 'openmetrics' : 'text';
}

function parseRange(part: string): Range[] {
  const [media = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
  const [type = '', subtype = ''] = media.split('/');
  if (type === '' || subtype === '') return [];
  let version: string | undefined;
  let q = 1;
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=').map((piece) => piece.trim());
    if (name === 'version') version = value.replace(/^"(.*)"$/, '$1');
    if (name === 'q') {
      // Without the leading 0 and with more decimals than the grammar has, as some clients write it.
      if (!/^(0?\.\d+|0\.?|1(\.0*)?)$/.test(value)) return [];
      q = Number(value);
    }
  }
  return [{ type, subtype, version, q }];
}

function bestMatch(ranges: readonly Range[], offer: (typeof OFFERED)[number]): Match {
  let best: Match = { q: 0, precision: -1 };
  for (const range of ranges) {
    const precision = precisionOf(range, offer);
    if (precision > best.precision || (precision === best.precision && range.q > best.q)) {
      best = { q: range.q, precision };
    }
  }
  return best;
}

function precisionOf(range: Range, offer: (typeof OFFERED)[number]): number {
  if (range.version !== undefined && range.version !== offer.version) return -2;
  if (range.type === '*' && range.subtype === '*') return 0;
  if (range.type !== offer.type) return -2;
  if (range.subtype === '*') return 1;
  if (range.subtype !== offer.subtype) return -2;
  return range.version === undefined ? 2 : 3;
}
