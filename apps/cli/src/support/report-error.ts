import { CommanderError } from 'commander';
import { errorMessage, QuipuError } from '@quipu/platform';
import { InterruptedError } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/** What to do about errors of the system that carry no hint of their own, by `error.code`. */
const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path; relative paths count from the directory you are in.',
  EACCES: 'Check who may read that file or directory.',
  EPERM: 'Check who may write that file or directory.',
  EROFS: 'That file system can only be read; take another directory.',
  EISDIR: 'Name a file, not a directory.',
  ENOTDIR: 'A part of that path is a file where a directory must be.',
  ENAMETOOLONG: 'Take a shorter name.',
  ENOSPC: 'Free some disk space and run the command again; nothing is counted twice.',
  EDQUOT: 'Free some disk space and run the command again; nothing is counted twice.',
  ECONNREFUSED: 'Nothing listens there. `./quipu status` tells what is running, `./quipu start` starts it.',
  ECONNRESET: 'The service went away. Run the command again; nothing is counted twice.',
  '57P01': 'Postgres was shut down. Run the command again; nothing is counted twice.',
  '57P03': 'Postgres is starting or ending. Run the command again in a moment.',
  '53100': 'Free some disk space where Postgres writes, and run the command again; nothing is counted twice.',
  '53300': 'Postgres takes no more connections. Run the command again later, or raise its max_connections.',
  '25006': 'This Postgres can only be read: a standby? DATABASE_URL must name the one that is written.',
  '42501': 'The user in DATABASE_URL lacks that right; it must own the tables.',
  '3D000': 'Check DATABASE_URL: the server is there, the database is not.',
  '28P01': 'Check user and password in DATABASE_URL.',
  '42P01': 'The database has not been migrated: `./quipu migrate`.',
};

function hintFor(error: unknown): string | undefined {
  if (error instanceof QuipuError) return error.hint;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? HINTS[code] : undefined;
}

/**
 * Tells a person what went wrong and what to do next, on stderr. Stack traces only with `QUIPU_DEBUG`.
 * Commander and interrupted commands have spoken for themselves.
 */
export function reportError(terminal: Terminal, error: unknown, env: NodeJS.ProcessEnv = process.env): void {
  if (error instanceof CommanderError || error instanceof InterruptedError) return;
  const hint = hintFor(error);
  terminal.err.write(`quipu: ${errorMessage(error).replace(/^Error: /, '')}\n`);
  if (hint !== undefined) terminal.err.write(`       ${hint}\n`);
  if (env['QUIPU_DEBUG'] && error instanceof Error) {
    let cause: unknown = error;
    while (cause instanceof Error) {
      terminal.err.write(`${cause.stack ?? cause.message}\n`);
      cause = cause.cause;
    }
  }
}
