import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

const SECRETS = ['password', 'secret', 'key', 'apiKey', 'superadminKey', 'authorization'];
const URLS = ['databaseUrl', 'redisUrl', 'url'];

/** The same URL with its password replaced by `***`; what is not a URL comes back as it is. */
export function maskUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+]*:\/\/[^\s:/@]*):[^\s/]*@/i, '$1:***@');
}

/**
 * A pino logger that writes one JSON line per event to standard error (standard output belongs to a
 * command's answer). Fields named like secrets are removed, URLs lose their password.
 */
export function createLogger(name: string, level = 'info'): Logger {
  return pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
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
