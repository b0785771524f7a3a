import { isNativeError } from 'node:util/types';
import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

const SECRETS = ['password', 'secret', 'key', 'apiKey', 'superadminKey', 'authorization'];
const URLS = ['databaseUrl', 'redisUrl', 'url'];

/** Passwords in the URLs of a text. */
const PASSWORDS = /\b([a-z][a-z0-9+]*:\/\/[^\s:/@]*):[^\s/]*@/gi;

/** The same URL with its password replaced by `***`; what is not a URL comes back as it is. */
export function maskUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+]*:\/\/[^\s:/@]*):[^\s/]*@/i, '$1:***@');
}

/**
 * An error in a log: what it says, and where it came from in one line. Only when debugging the whole stack; never what
 * libraries hang on their errors, since commands and rows are among it.
 */
export function describeError(error: unknown, debugging: boolean): unknown {
  if (!isNativeError(error)) return typeof error === 'string' ? error : 'not an error';
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const stack = error.stack ?? '';
  const at = /^ +at (.+)$/m.exec(stack)?.[1];
  return {
    ...{ type: error.name, message: error.message.replace(PASSWORDS, '$1:***@'), ...code },
    ...(debugging ? { stack } : at === undefined ? {} : { at }),
  };
}

/**
 * A pino logger that writes one JSON line per event to standard error (standard output belongs to a
 * command's answer). Fields named like secrets are removed, URLs lose their password, errors their stack.
 */
export function createLogger(name: string, level = 'info'): Logger {
  return pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error: unknown) => describeError(error, level === 'debug' || level === 'trace') },
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [...SECRETS, ...URLS].flatMap((field) => [field, `*.${field}`]),
        censor: (value: unknown, path: string[]) =>
          URLS.includes(path.at(-1) ?? '') && typeof value === 'string' ? maskUrl(value) : '***',
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
