import type { FastifyReply, FastifyRequest } from 'fastify';

const PATHS = new Set(['/api/1.0/open-metrics', '/api/1.0/service-status']);

/** Answers a method that the dialect's paths do not take, as the original does. False if the path is not the dialect's. */
export function refusedMethod({ method, url }: FastifyRequest, reply: FastifyReply): boolean {
  if (!PATHS.has(url.split('?', 1)[0] ?? '')) return false;
  const detail = `Method "${method}" not allowed.`;
  void reply
    .code(405)
    .header('allow', 'GET, HEAD')
    .header('content-type', 'application/json')
    .send(Buffer.from(JSON.stringify({ detail })));
  return true;
}
