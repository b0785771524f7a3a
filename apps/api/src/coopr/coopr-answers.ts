import { type FastifyReply } from 'fastify';
import { placeOf } from './coopr-paths.js';

/** Answers an error as the dialect does: the bare message as plain text. */
export function plainText(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', 'text/plain; charset=utf-8').send(body);
}

/** Answers JSON that is already written; as bytes, since Fastify would add a charset to a string's type. */
export function writtenJson(
  reply: FastifyReply,
  body: string,
  headers: Readonly<Record<string, string>>,
): FastifyReply {
  return reply.code(200).headers(headers).header('content-type', 'application/json').send(Buffer.from(body));
}

/**
 * Answers a request that no route of the dialect took, as its router does: 405 with the URI for a known path, else 404;
 * no content type, and the connection closed. False if the path is not the dialect's.
 * @param url as it was sent.
 */
export function answeredByRouter(url: string, reply: FastifyReply): boolean {
  const place = placeOf(url);
  if (place === 'elsewhere') return false;
  const known = place === 'known';
  const body = known ? url : `Problem accessing: ${url}. Reason: Not Found`;
  reply.hijack();
  reply.raw.writeHead(known ? 405 : 404, {
    connection: 'close',
    'content-length': Buffer.byteLength(body),
    // The body repeats the URI and has no type: sniffed as HTML it would run what a link put there.
    'x-content-type-options': 'nosniff',
  });
  reply.raw.end(body);
  return true;
}
