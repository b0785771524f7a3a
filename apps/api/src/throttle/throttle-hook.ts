import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GnocchiError } from '../gnocchi/forms/gnocchi-error.js';
import { sendRefusal } from '../gnocchi/gnocchi-dialect.js';
import { isGnocchiPath } from '../gnocchi/gnocchi-paths.js';
import { envelopeOf, refuse } from '../proxmox/proxmox-answers.js';
import type { RequestThrottle } from './request-throttle.js';

/**
 * Lets the throttle look at every request before anything of it is read. Health probes pass: an orchestrator that is
 * put off would restart what is only busy.
 * @param gnocchiPrefix where the Gnocchi dialect is mounted, which refuses in its own forms.
 */
export function registerThrottle(
  server: FastifyInstance,
  throttle: RequestThrottle,
  gnocchiPrefix: string,
): void {
  server.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    if (path.startsWith('/health/')) return;
    const wait = await throttle.take({ address: request.ip, secret: secretOf(request) });
    if (wait === 0) return;
    const detail = 'Too many requests at once.';
    void reply.code(429).header('retry-after', String(Math.ceil(wait / 1000)));
    // The Coopr dialect refuses in plain text, whatever the refusal.
    if (path === '/status' || path === '/v2' || path.startsWith('/v2/')) {
      return reply.header('content-type', 'text/plain; charset=utf-8').send(detail);
    }
    if (isGnocchiPath(gnocchiPrefix, path)) return sendRefusal(request, reply, new GnocchiError(429, detail));
    const envelope = envelopeOf(path);
    if (envelope !== null) return refuse(reply, envelope, 429, 'too many requests at once');
    const problem = { type: 'about:blank', title: 'Too many requests', status: 429, detail };
    return reply.header('content-type', 'application/problem+json').send(JSON.stringify(problem));
  });
  server.addHook('onClose', () => throttle.close());
}

/** What a request shows as its key, in any of the dialects' ways; valid or not. */
function secretOf(request: FastifyRequest): string | null {
  const { authorization } = request.headers;
  const coopr = request.headers['coopr-apikey'];
  return authorization ?? (Array.isArray(coopr) ? coopr[0] : coopr) ?? null;
}
