const TOKEN = /"|-?\b(?:NaN|Infinity)\b/g;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Reads JSON as Python writes it: NaN and infinities are bare words there; they become texts of their name.
 * @throws SyntaxError that says what is wrong with the text as it was sent
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = quoteWords(text);
    if (quoted === null) throw error;
    try {
      return JSON.parse(quoted);
    } catch {
      throw error;
    }
  }
}

/** The text with quotes around its bare words; null: it has none. Takes one walk, whatever the text is. */
function quoteWords(text: string): string | null {
  const parts: string[] = [];
  let done = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    const [token] = found;
    if (token === '"') {
      TOKEN.lastIndex = endOfText(text, TOKEN.lastIndex);
      continue;
    }
    parts.push(text.slice(done, found.index), `"${token}"`);
    done = TOKEN.lastIndex;
  }
  return done === 0 ? null : parts.join('') + text.slice(done);
}

/** Where the text that begins here ends, after its closing quote; the end of everything if it has none. */
function endOfText(text: string, from: number): number {
  for (let i = from; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i += 1;
    else if (code === QUOTE) return i + 1;
  }
  return text.length;
}
