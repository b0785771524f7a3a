import { type FastifyReply } from 'fastify';

/** Answers an error as the dialect does: the bare message as plain text. */
export function plainText(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', 'text/plain; charset=utf-8').send(body);
}

/** Answers JSON that is already written. */
export function writtenJson(
  reply: FastifyReply,
  body: string,
  headers: Readonly<Record<string, string>>,
): FastifyReply {
  return reply.code(200).headers(headers).header('content-type', 'application/json').send(body);
}

/** Answers as the dialect's router does: no content type, and the connection closed. */
export function routerError(reply: FastifyReply, status: 404 | 405, body: string): void {
  reply.hijack();
  reply.raw.writeHead(status, { connection: 'close', 'content-length': Buffer.byteLength(body) });
  reply.raw.end(body);
}
