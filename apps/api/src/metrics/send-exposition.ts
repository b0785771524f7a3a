import { CONTENT_TYPES } from '@quipu/exposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ExpositionBody } from './exposition-body.js';

/** Answers with an exposition: compressed if that is welcome, and with 304 to those who have it already. */
export async function sendExposition(
  request: FastifyRequest,
  reply: FastifyReply,
  body: ExpositionBody,
): Promise<FastifyReply> {
  const zip = acceptsGzip(request.headers['accept-encoding']);
  const etag = `"${body.etag}${zip ? '-gzip' : ''}"`;
  void reply
    .header('vary', 'Accept, Accept-Encoding, Authorization')
    .header('cache-control', 'private, no-cache')
    .header('etag', etag)
    .header('content-type', CONTENT_TYPES[body.format]);
  if (knows(request.headers['if-none-match'], etag)) return reply.code(304).send();
  if (!zip) return reply.code(200).send(body.bytes);
  return reply
    .code(200)
    .header('content-encoding', 'gzip')
    .send(await body.gzipped());
}

/** Whether `Accept-Encoding` welcomes gzip, by name or as anything, with a quality above 0. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  let any = false;
  for (const part of String(header ?? '').split(',')) {
    const [coding = '', ...parameters] = part
      .toLowerCase()
      .split(';')
      .map((piece) => piece.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const wanted = quality === undefined || Number(quality.slice(2)) > 0;
    if (coding === 'gzip' || coding === 'x-gzip') return wanted;
    if (coding === '*') any = wanted;
  }
  return any;
}

function knows(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => ['*', etag].includes(part.trim().replace(/^W\//, '')));
}
