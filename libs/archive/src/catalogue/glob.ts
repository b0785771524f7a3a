/** A pattern that matches whole names, compiled. */
export type Glob = (name: string) => boolean;

const LITERAL = /[\\^$.*+?()[\]{}|/]/g;

/**
 * Compiles a shell pattern: `*` is any text, `?` any character, `[seq]` and `[!seq]` one character in or not in a set
 * with ranges. It tells upper from lower case and matches whole names. The matcher walks with at most one way back, so no
 * pattern takes longer than pattern × name.
 */
export function compileGlob(pattern: string): Glob {
  const tokens = tokenize(pattern);
  return (name) => matches(tokens, [...name]);
}

/** A character, a set of characters, or one of the words below, which are longer than a character. */
type Token = RegExp | string;
const ANY = 'any';
const ONE = 'one';

function tokenize(pattern: string): Token[] {
  const characters = [...pattern];
  const tokens: Token[] = [];
  for (let i = 0; i < characters.length; i += 1) {
    const character = characters[i]!;
    if (character === '*') {
      if (tokens.at(-1) !== ANY) tokens.push(ANY);
    } else if (character === '?') tokens.push(ONE);
    else if (character === '[') {
      const end = endOfSet(characters, i);
      if (end === -1) tokens.push(new RegExp('^\\[$', 'u'));
      else {
        tokens.push(setOf(characters.slice(i + 1, end)));
        i = end;
      }
    } else tokens.push(character);
  }
  return tokens;
}

/** The place of the bracket that closes a set; a bracket that comes first in it is a member. -1: it is no set. */
function endOfSet(characters: readonly string[], start: number): number {
  const first = characters[start + 1] === '!' ? start + 2 : start + 1;
  return characters.indexOf(']', first + 1);
}

function setOf(members: readonly string[]): RegExp {
  const negated = members[0] === '!';
  const rest = negated ? members.slice(1) : members;
  const parts: string[] = [];
  const escaped = (member: string): string => member.replace(LITERAL, '\\$&').replace('-', '\\-');
  for (let i = 0; i < rest.length; i += 1) {
    const [from, dash, to] = [rest[i]!, rest[i + 1], rest[i + 2]];
    if (dash === '-' && to !== undefined) {
      if (from <= to) parts.push(`${escaped(from)}-${escaped(to)}`);
      i += 2;
    } else parts.push(escaped(from));
  }
  if (parts.length === 0) return negated ? /^.$/su : /^(?!)/u;
  return new RegExp(`^[${negated ? '^' : ''}${parts.join('')}]$`, 'su');
}

function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let [t, n, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    const token = tokens[t];
    if (token === ANY) {
      star = t;
      mark = n;
      t += 1;
    } else if (token !== undefined && accepts(token, name[n]!)) {
      t += 1;
      n += 1;
    } else if (star >= 0) {
      t = star + 1;
      mark += 1;
      n = mark;
    } else return false;
  }
  while (tokens[t] === ANY) t += 1;
  return t === tokens.length;
}

function accepts(token: Token, character: string): boolean {
  if (typeof token === 'string') return token === ONE || token === character;
  return token.test(character);
}
