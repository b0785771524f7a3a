/** Why a text is no JSON array. */
export class NoArrayError extends Error {}
/** An array has more elements than were asked for. */
export class TooManyElementsError extends Error {}

/**
 * Cuts the text of a JSON array into the texts of its elements, without parsing them: one after the other they take
 * far less memory than all at once. What is wrong within an element shows when it is parsed.
 * @throws NoArrayError if it is no array; TooManyElementsError if it has more than `most` elements.
 */
export function splitArray(text: string, most: number): string[] {
  let at = skipSpace(text, 0);
  if (text[at] !== '[') throw new NoArrayError('expected an array');
  at = skipSpace(text, at + 1);
  const elements: string[] = [];
  if (text[at] !== ']') {
    for (;;) {
      const end = endOfElement(text, at);
      if (elements.length === most) throw new TooManyElementsError();
      elements.push(text.slice(at, end));
      const next = text[end];
      if (next === undefined) throw new NoArrayError('the array does not end');
      at = end + 1;
      if (next === ']') break;
    }
  } else {
    at += 1;
  }
  if (skipSpace(text, at) < text.length) throw new NoArrayError('something follows the array');
  return elements;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at += 1;
  return at;
}

/** Where the `,` or `]` after an element is, or the end of the text. */
function endOfElement(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === '{' || char === '[') depth += 1;
    else if (depth === 0 && (char === ',' || char === ']')) return at;
    else if (char === '}' || char === ']') depth -= 1;
  }
  return text.length;
}

/** Where the closing quote is, or the end of the text. */
function endOfString(text: string, quote: number): number {
  let at = quote + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
