import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random } from './random.js';

/** Bytes that a worker of the demo reads per second: what makes small files last for seconds. */
export const BYTES_PER_SECOND = 40_000;

const FILES = 6;
const DIRECTORIES = 3;
const WORDS = ['knot', 'cord', 'count', 'tally', 'ledger', 'thread', 'wool', 'colour'] as const;

/** The files that jobs of one tenant work on. */
export interface DemoInputs {
  readonly files: readonly [string, ...string[]];
  readonly directories: readonly [string, ...string[]];
  /** Puts another small file there. */
  add(name: string): void;
}

/** Makes files and directories whose work takes from `shortest` to `longest`. */
export function makeInputs(
  directory: string,
  random: Random,
  [shortest, longest]: readonly [number, number],
): DemoInputs {
  const write = (name: string, ms: number): string => {
    writeFileSync(join(directory, name), text(random, Math.ceil((ms * BYTES_PER_SECOND) / 1_000)));
    return name;
  };
  mkdirSync(directory, { recursive: true });
  const files = Array.from({ length: FILES }, (_, n) =>
    write(`file-${n}.txt`, random.between(shortest, longest)),
  );
  const directories = Array.from({ length: DIRECTORIES }, (_, n) => {
    const name = `tree-${n}`;
    mkdirSync(join(directory, name, 'deep'), { recursive: true });
    const ms = random.between(shortest, longest);
    write(`${name}/readme.txt`, ms / 4);
    write(`${name}/deep/data.txt`, (3 * ms) / 4);
    return name;
  });
  return {
    files: files as [string, ...string[]],
    directories: directories as [string, ...string[]],
    add: (name) => void write(name, shortest),
  };
}

/** Text that can be compressed, and is different each time. */
function text(random: Random, bytes: number): string {
  const lines: string[] = [];
  for (let length = 0; length < bytes;) {
    const line = `${random.pick(WORDS)} ${random.between(0, 999_999)}\n`;
    lines.push(line);
    length += line.length;
  }
  return lines.join('').slice(0, bytes);
}
