/** What an answer is made of; numbers may be NaN and infinite. */
export type PlainValue =
  | null
  | boolean
  | number
  | string
  | Float
  | readonly PlainValue[]
  | ReadonlyMap<string, PlainValue>
  | { readonly [key: string]: PlainValue };

/** A number that is written as a float also where it is whole: `60.0`. */
export class Float {
  constructor(readonly value: number) {}
}

/** A double as JSON with a decimal point, or one of the words NaN, Infinity, -Infinity, which clients of the dialect read. */
export function floatText(value: number): string {
  // An exponent has two digits at least.
  const text = String(value).replace(/e([+-])(\d)$/, 'e$10$2');
  return Number.isInteger(value) && !text.includes('e') ? `${Object.is(value, -0) ? '-0' : text}.0` : text;
}

/** JSON as the dialect writes it. */
export function writeJson(value: PlainValue): string {
  if (value instanceof Float) return floatText(value.value);
  if (typeof value === 'number') return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(writeJson).join(', ')}]`;
  return `{${entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${writeJson(member)}`)
    .join(', ')}}`;
}

/** A value as Python shows it, which is how refusals show theirs outside of JSON. */
export function pythonText(value: PlainValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Float) return floatText(value.value);
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quotedLikePython(value);
  if (isList(value)) return `[${value.map(pythonText).join(', ')}]`;
  return `{${entries(value)
    .map(([key, member]) => `${quotedLikePython(key)}: ${pythonText(member)}`)
    .join(', ')}}`;
}

/** A text as a Python literal. */
export function quotedLikePython(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
  const body = text
    .replace(/[\n\r\t\\]/g, (character) => escapes[character]!)
    .replaceAll(quote, `\\${quote}`);
  return `${quote}${body}${quote}`;
}

function isList(value: object): value is readonly PlainValue[] {
  return Array.isArray(value);
}

function entries(value: object): [string, PlainValue][] {
  return value instanceof Map
    ? [...(value as ReadonlyMap<string, PlainValue>)]
    : (Object.entries(value) as [string, PlainValue][]);
}
