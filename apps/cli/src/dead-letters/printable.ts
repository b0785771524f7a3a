import { isUtf8 } from 'node:buffer';

/** Bytes shown of a letter that is no JSON, and of one that is no text. */
const MOST_TEXT = 16_384;
const MOST_HEX = 2_048;

/**
 * What a terminal may safely show of any bytes: JSON is indented, other text keeps its lines, all else is a hex dump.
 * Whatever could move a cursor, change a colour or hide text (controls, bidirectional marks) is escaped.
 */
export function printableBytes(raw: Buffer): string {
  if (!isUtf8(raw)) return hexDump(raw);
  const text = raw.toString('utf8');
  try {
    return printableText(JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    const shown = [...text.slice(0, MOST_TEXT)].join('');
    return printableText(shown) + more(text.length - MOST_TEXT, 'characters');
  }
}

/** Text with every character escaped that would act on a terminal instead of being seen; lines stay lines. */
export function printableText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
    character === '\n' ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

function hexDump(raw: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(raw.length, MOST_HEX); at += 16) {
    const part = raw.subarray(at, Math.min(at + 16, MOST_HEX));
    const hex = part.toString('hex').replace(/../g, '$& ').padEnd(48);
    const text = part.toString('latin1').replace(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex} ${text}`);
  }
  return lines.join('\n') + more(raw.length - MOST_HEX, 'bytes');
}

function more(left: number, what: string): string {
  return left > 0 ? `\n… ${left} ${what} more (--raw writes all of it)` : '';
}
