import { type LabelText } from './types.js';

/** No labels. */
export const NO_LABELS = '' as LabelText;

const UNSAFE = /[\\"\n]/;
const UNSAFE_ALL = /[\\"\n]/g;

/** Escapes a label's value, as both formats do it: backslash, quote and newline. */
export function escapeLabelValue(value: string): string {
  return UNSAFE.test(value) ? value.replace(UNSAFE_ALL, escaped) : value;
}

/** Escapes a HELP text: backslash and newline; OpenMetrics escapes quotes as well. */
export function escapeHelp(help: string, quotes: boolean): string {
  return help.replace(quotes ? UNSAFE_ALL : /[\\\n]/g, escaped);
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}

/** Labels in the given order, ready to be printed. Names must be legal (`labelName`). Costly: keep the text. */
export function labelText(labels: Iterable<readonly [name: string, value: string]>): LabelText {
  const parts: string[] = [];
  for (const [name, value] of labels) {
    parts.push(parts.length === 0 ? '' : ',', name, '="', escapeLabelValue(value), '"');
  }
  // Joined, not concatenated: V8 would keep a concatenation as a tree and walk it again at every rendering,
  // which makes the whole rendering three times slower.
  return parts.join('') as LabelText;
}

/** What sorts before the quote that ends a value, and what a value holds escaped. */
const OUT_OF_ORDER = /[^"-\uffff]|\\/;

/** Whether such labels may sort otherwise than their values do: `h` comes before `h 1`, but `"h"` after `"h 1"`. */
export function sortsOtherwise(labels: LabelText): boolean {
  return OUT_OF_ORDER.test(labels);
}

/** A text that sorts as the values of the labels do, one after the other, among labels of the same names. */
export function sortingText(labels: LabelText): string {
  return labels.replace(/\\(.)|"/g, (_, character?: string) => {
    if (character === undefined) return '\0';
    return character === 'n' ? '\n' : character;
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether labels come before others of the same names by {@link sortingText}, without making that text. */
export function comesBefore(one: LabelText, other: LabelText): boolean {
  const length = Math.min(one.length, other.length);
  let at = 0;
  while (at < length && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
  if (at === length) return one.length < other.length;
  let escapes = 0;
  while (one.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes += 1;
  // What differs may be what a backslash before it makes of it.
  if (escapes % 2 === 1) at -= 1;
  return characterAt(one, at) < characterAt(other, at);
}

/** What stands for a value's character in {@link sortingText}. */
function characterAt(labels: LabelText, at: number): number {
  const code = labels.charCodeAt(at);
  if (code === QUOTE) return 0;
  if (code !== BACKSLASH) return code;
  return labels[at + 1] === 'n' ? 0x0a : labels.charCodeAt(at + 1);
}

/** Labels followed by more labels. */
export function joinLabels(first: LabelText, second: LabelText): LabelText {
  if (first === '') return second;
  return second === '' ? first : ([first, second].join(',') as LabelText);
}

/** Turns any text into a legal metric name; characters that may not stand there become `_`. */
export function metricName(text: string): string {
  const name = text.replace(/[^a-zA-Z0-9_:]/gu, '_');
  return /^[a-zA-Z_:]/.test(name) ? name : `_${name}`;
}

/** Turns any text into a legal label name; leading underscores shrink to one, since two are reserved. */
export function labelName(text: string): string {
  const name = text.replace(/[^a-zA-Z0-9_]/gu, '_').replace(/^_+/, '_');
  return /^[a-zA-Z_]/.test(name) ? name : `_${name}`;
}

/**
 * A label name of its own for each text, `prefix` and the text made legal. Texts that become the same name
 * (`a-b`, `a_b`) are told apart by a number, in the order of the texts, whatever order they came in.
 */
export function distinctLabelNames(prefix: string, texts: Iterable<string>): Map<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const text of [...new Set(texts)].sort()) {
    const wanted = labelName(prefix + text);
    let name = wanted;
    for (let n = 2; taken.has(name); n += 1) name = `${wanted}_${n}`;
    taken.add(name);
    names.set(text, name);
  }
  return names;
}
