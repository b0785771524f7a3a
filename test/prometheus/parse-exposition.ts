/** One sample as it was read back; the value stays text, so that nothing is rounded. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

/** One family as it was read back. */
export interface ReadFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly unit: string | null;
  readonly samples: ReadSample[];
}

/**
 * Reads an exposition of either format, character by character, sharing nothing with the renderer. Throws on
 * whatever is not right: an unknown line, a sample outside its family, a series that comes twice, a label that
 * comes twice, a family that comes twice, an end that is missing or not the end.
 */
export function parseExposition(text: string, format: 'openmetrics' | 'text'): ReadFamily[] {
  if (!text.endsWith('\n') && text !== '') throw new Error('the last line has no end');
  const lines = text.split('\n').slice(0, -1);
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('# EOF is missing');
  const families: Family[] = [];
  const names = new Set<string>();
  for (const line of lines) {
    if (line.startsWith('#')) readMeta(line, families, names);
    else readSampleInto(line, families.at(-1));
  }
  return families;
}

/** All samples of all families, by name and labels as `name{a="b"}` with labels sorted by name. */
export function samplesByKey(families: readonly ReadFamily[]): Map<string, string> {
  return new Map(families.flatMap(({ samples }) => samples.map((sample) => [keyOf(sample), sample.value])));
}

function keyOf({ name, labels }: ReadSample): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${sorted.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`;
}

interface Family {
  name: string;
  help: string;
  type: string;
  unit: string | null;
  samples: ReadSample[];
  seen: Set<string>;
}

const SUFFIXES = /_(total|created|bucket|count|sum|gcount|gsum|info)$/;

function readMeta(line: string, families: Family[], names: Set<string>): void {
  const match = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s.exec(line);
  if (match === null) throw new Error(`no line of this format: ${line}`);
  const [, what, name = '', rest = ''] = match;
  if (what === 'HELP') {
    if (names.has(name)) throw new Error(`the family ${name} comes twice`);
    names.add(name);
    const help = unescape(rest);
    families.push({ name, help, type: '', unit: null, samples: [], seen: new Set() });
    return;
  }
  const family = families.at(-1);
  if (family === undefined || family.name !== name || family.samples.length > 0) {
    throw new Error(`out of its place: ${line}`);
  }
  if (what === 'TYPE') family.type = rest;
  else family.unit = rest;
}

function readSampleInto(line: string, family: Family | undefined): void {
  const sample = readSample(line);
  const own = sample.name === family?.name || sample.name.replace(SUFFIXES, '') === family?.name;
  if (family === undefined || !own) throw new Error(`outside its family: ${line}`);
  const key = keyOf(sample);
  if (family.seen.has(key)) throw new Error(`the series comes twice: ${line}`);
  family.seen.add(key);
  family.samples.push(sample);
}

function readSample(line: string): ReadSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`no name: ${line}`);
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === '{') {
    at += 1;
    while (line[at] !== '}') {
      const label = /^[a-zA-Z_][a-zA-Z0-9_]*(?==")/.exec(line.slice(at))?.[0];
      if (label === undefined || Object.hasOwn(labels, label)) throw new Error(`bad label at ${at}: ${line}`);
      const from = at + label.length + 2;
      at = from;
      while (line[at] !== '"') {
        if (at >= line.length) throw new Error(`no closing quote: ${line}`);
        at += line[at] === '\\' ? 2 : 1;
      }
      labels[label] = unescape(line.slice(from, at));
      at += 1;
      if (line[at] === ',') at += 1;
      else if (line[at] !== '}') throw new Error(`neither comma nor brace at ${at}: ${line}`);
    }
    at += 1;
  }
  const value = line.slice(at + 1);
  const number = /^([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|NaN|[+-]Inf)$/;
  if (line[at] !== ' ' || !number.test(value)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

function unescape(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character));
}
