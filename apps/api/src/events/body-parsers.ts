import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemException } from '../answers/problem.exception.js';
import { decodeUtf8, readBody } from './read-body.js';

/** Path of the ingestion route, which reads its body itself: after it has looked at the key. */
export const EVENTS_PATH = '/api/events';

/** Most bytes of a JSON body of any other route. */
const MAX_JSON_BYTES = 64 * 1024;

/**
 * Replaces the server's body parsers by one. Events stay a stream, unread; other routes take JSON and nothing else.
 * @param readsItself other routes that read their bodies themselves.
 */
export function registerBodyParsers(
  server: FastifyInstance,
  readsItself: (request: FastifyRequest) => boolean,
): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (request, payload, done) => {
    // Where no route is, the answer says so (a dialect's router in its own words), whatever was sent.
    if (request.is404) return done(null, undefined);
    if (request.routeOptions.url === EVENTS_PATH || readsItself(request)) return done(null, payload);
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/json') {
      return done(new UnsupportedMediaTypeException('Send a body as application/json.'));
    }
    const encoding = request.headers['content-encoding'];
    const parse = (text: string): void => {
      // Many clients name a type whatever they send: nothing, so typed, is no body.
      if (text === '') return done(null, undefined);
      void parseJson(request, text, (error, value) => {
        if (error === null) done(null, value);
        else done(new ProblemException(400, 'The body is no JSON, or has a member that none may have.'));
      });
    };
    readBody(payload, { encoding, maxBytes: MAX_JSON_BYTES })
      .then(decodeUtf8)
      .then(parse, (error: Error) => done(error));
  });
}
