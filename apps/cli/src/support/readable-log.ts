import { type Writable } from 'node:stream';
import { type Logger } from '@quipu/platform';
import { pino } from 'pino';

/** Fields that every line has and that tell a person nothing. */
const COMMON = new Set(['level', 'time', 'msg', 'hint', 'err', 'name', 'pid', 'hostname']);

/**
 * A logger for somebody who watches: the message first, then what belongs to it, one line each. What the
 * processes log for machines stays in their files.
 */
export function createReadableLogger(to: Writable, level: string): Logger {
  return pino({ level, base: null }, { write: (line: string) => void to.write(`${readableLine(line)}\n`) });
}

/** One line of pino's JSON as a person reads it. */
export function readableLine(json: string): string {
  const fields = JSON.parse(json) as Record<string, unknown>;
  const time = new Date(Number(fields['time'])).toISOString().slice(11, 19);
  const err = fields['err'] as { message?: unknown } | undefined;
  const details = Object.entries(fields)
    .filter(([name, value]) => !COMMON.has(name) && value !== null && value !== '')
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const parts = [typeof err?.message === 'string' ? err.message : '', ...details].filter(
    (part) => part !== '',
  );
  const hint = typeof fields['hint'] === 'string' ? `\n         ${fields['hint']}` : '';
  return `${time} ${String(fields['msg'])}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}${hint}`;
}
