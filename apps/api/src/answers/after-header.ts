import type { FastifyRequest } from 'fastify';

/** The `Quipu-After` of a request: the token whose events its answer must hold. */
export function afterHeader(request: FastifyRequest): string | undefined {
  const value = request.headers['quipu-after'];
  return Array.isArray(value) ? value[0] : value;
}
