import type { GenerationsWanted } from '@quipu/read-models';

/** Which generations are asked for; or what is wrong with which parameter. */
export type ParsedExport =
  | { readonly ok: true; readonly wanted: GenerationsWanted }
  | { readonly ok: false; readonly errors: Readonly<Record<string, string>> };

const YES: ReadonlySet<string> = new Set(['1', 'on', 'yes', 'true']);
const NO: ReadonlySet<string> = new Set(['0', 'off', 'no', 'false']);
/** Integers are those of 64 bits. */
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];
/** Errors that are told, and characters of a name that a caller made up. */
const [MOST_ERRORS, MOST_NAME] = [20, 80];

/** Reads the query: `history` and `start-time`, both optional, and no other. Without history a start does not matter. */
export function parseExport(query: unknown): ParsedExport {
  // Without a prototype, so that a parameter called `__proto__` is a parameter.
  const errors = Object.create(null) as Record<string, string>;
  let told = 0;
  const tell = (name: string, what: string): void => {
    if ((told += 1) <= MOST_ERRORS) errors[name.slice(0, MOST_NAME)] = what;
  };
  let [history, after] = [false, 0];
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    if (name !== 'history' && name !== 'start-time') tell(name, 'there is no such parameter');
    else if (typeof value !== 'string') tell(name, 'it is given more than once');
    else if (name === 'history') {
      history = YES.has(value.toLowerCase());
      if (!history && !NO.has(value.toLowerCase()))
        tell(name, 'it is a boolean: 1, on, yes, true, 0, off, no, false');
    } else {
      const seconds = integer(value);
      if (seconds === null) tell(name, 'it is an integer of 64 bits');
      else after = seconds;
    }
  }
  if (told > 0) return { ok: false, errors };
  return { ok: true, wanted: history ? { after } : 'newest' };
}

/**
 * What is wanted, as it is asked at `nowMs`: of a start that is yet to come there is nothing, also where a generation is
 * dated later still by the clock of another server.
 */
export function reachable(wanted: GenerationsWanted, nowMs: number): GenerationsWanted {
  if (wanted === 'newest' || wanted.after <= Math.floor(nowMs / 1000)) return wanted;
  return { after: Number(MOST) };
}

/** What is wrong, in one text. */
export function errorText(errors: Readonly<Record<string, string>>): string {
  const all = Object.entries(errors).map(([name, what]) => `'${name}': ${what}`);
  return `parameter verification failed - ${all.join('; ')}`;
}

function integer(text: string): number | null {
  if (!/^[+-]?0*\d{1,19}$/.test(text)) return null;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value < LEAST || value > MOST ? null : Number(value);
}
