const FLOAT = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const WORD = /^([+-]?)(inf|infinity|nan)$/i;

/** What Python makes a float of: numbers, truth values, and texts of a number, of infinity or of NaN. Null: it is none. */
export function toFloat(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.length > 400) return null;
  const text = value.trim();
  if (FLOAT.test(text)) return Number(text.replaceAll('_', ''));
  const word = WORD.exec(text);
  if (word === null) return null;
  if (word[2]!.toLowerCase() === 'nan') return NaN;
  return word[1] === '-' ? -Infinity : Infinity;
}

/** What Python makes an int of: numbers (cut), truth values, and texts of a whole number. Null: it is none. */
export function toInt(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || !/^\s*[+-]?\d+(?:_\d+)*\s*$/.test(value)) return null;
  return Number(value.trim().replaceAll('_', ''));
}
