const BLOCK = 512;
/** Greatest number that 11 octal digits hold. */
const MOST_OCTAL = 8 ** 11 - 1;

/** An entry of an archive. */
export interface TarEntry {
  /** With `/`; that of a directory without one at its end. */
  readonly path: string;
  readonly directory: boolean;
  readonly size: number;
  readonly mode: number;
  readonly modifiedMs: number;
}

/**
 * What stands before the content of an entry, in the form POSIX calls pax: names and sizes that the old header has no
 * room for stand in an extended header of their own. Owner and group are left out, so that the same directory gives the
 * same archive to everybody.
 */
export function tarHeader(entry: TarEntry): Buffer {
  const path = entry.directory ? `${entry.path}/` : entry.path;
  const records: string[] = [];
  if (Buffer.byteLength(path) > 100 || /[^\x20-\x7e]/.test(path)) records.push(record('path', path));
  if (entry.size > MOST_OCTAL) records.push(record('size', String(entry.size)));
  const header = block(path, entry.directory ? '5' : '0', entry.size, entry.mode, entry.modifiedMs);
  if (records.length === 0) return header;
  const extended = Buffer.from(records.join(''));
  const before = block('PaxHeader', 'x', extended.length, 0o644, entry.modifiedMs);
  return Buffer.concat([before, extended, tarPadding(extended.length), header]);
}

/** What fills the last block of a content of `size` bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** What ends an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits too. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  length = bytes + String(length).length;
  return `${length}${rest}`;
}

function block(path: string, type: string, size: number, mode: number, modifiedMs: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(path, 0, 100);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(Math.min(size, MOST_OCTAL), 11), 124);
  header.write(octal(Math.min(Math.max(0, Math.floor(modifiedMs / 1_000)), MOST_OCTAL), 11), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\u0000 `, 148);
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
