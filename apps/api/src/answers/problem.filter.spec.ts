import { StoreUnavailableError, UsageError } from '@quipu/platform';
import type { ArgumentsHost } from '@nestjs/common';
import type { ApiLogger } from '../api-tokens.js';
import { NotYetError, UnknownTokenError } from './freshness.js';
import { ProblemFilter } from './problem.filter.js';

/** What an error is answered with, and how loudly it was logged. */
function answered(error: unknown) {
  const logged: string[] = [];
  const log = (level: string) => () => void logged.push(level);
  const logger = { warn: log('warn'), error: log('error') } as unknown as ApiLogger;
  const sent: { status?: number; body?: { detail: string }; retryAfter?: string } = {};
  const reply = {
    code: (status: number) => ((sent.status = status), reply),
    headers: () => reply,
    header: (name: string, value: string) => {
      if (name === 'retry-after') sent.retryAfter = value;
      return reply;
    },
    send: (text: string) => ((sent.body = JSON.parse(text) as { detail: string }), reply),
  };
  const request = { url: '/api/usage', originalUrl: '/api/usage' };
  const http = { getResponse: () => reply, getRequest: () => request };
  new ProblemFilter(logger).catch(error, { switchToHttp: () => http } as unknown as ArgumentsHost);
  return { ...sent, detail: sent.body?.detail, logged };
}

describe('a problem document', () => {
  it.each([
    ['waiting in vain', new NotYetError('Not there yet.'), 503, 'Not there yet.', []],
    [
      'a store that is away',
      new StoreUnavailableError('at 10.0.0.1'),
      503,
      'The database does not answer.',
      ['warn'],
    ],
    ['a token of elsewhere', new UnknownTokenError('No token.'), 400, 'No token.', []],
    ['what cannot be read', new UsageError('No time.'), 400, 'No time.', []],
    [
      'a defect',
      new TypeError('x is undefined'),
      500,
      'The server failed to answer; its log says why.',
      ['error'],
    ],
  ])('tells of %s', (_, error, status, detail, logged) => {
    expect(answered(error)).toMatchObject({ status, detail, logged });
    expect(answered(error).retryAfter).toBe(status === 503 ? '5' : undefined);
  });
});
