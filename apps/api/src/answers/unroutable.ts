import type { FastifyReply, FastifyRequest } from 'fastify';
import { plainText } from '../coopr/coopr-answers.js';
import { GnocchiError } from '../gnocchi/forms/gnocchi-error.js';
import { sendRefusal } from '../gnocchi/gnocchi-dialect.js';
import { isGnocchiPath } from '../gnocchi/gnocchi-paths.js';
import { envelopeOf, refuse } from '../proxmox/proxmox-answers.js';

/**
 * What answers a path that the router cannot read (such as `%ff`), before any hook and any filter: in the words of the
 * dialect, and with the headers that every answer has.
 * @param headers name to value.
 * @param gnocchiPrefix where the Gnocchi dialect is mounted.
 */
export function answerUnroutable(headers: Readonly<Record<string, string>>, gnocchiPrefix: string) {
  return (error: { readonly statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void => {
    const tooLong = error.statusCode === 414;
    const status = tooLong ? 414 : 400;
    const detail = tooLong ? 'A part of the path is too long.' : 'The path is not percent-encoded UTF-8.';
    void reply.headers(headers);
    const path = request.raw.url?.split('?', 1)[0] ?? '';
    if (path === '/v2' || path.startsWith('/v2/')) return void plainText(reply, status, detail);
    if (isGnocchiPath(gnocchiPrefix, path)) {
      return void sendRefusal(request, reply, new GnocchiError(status, detail));
    }
    const envelope = envelopeOf(path);
    if (envelope !== null) return void refuse(reply, envelope, status, detail);
    const title = tooLong ? 'URI too long' : 'Bad request';
    const problem = { type: 'about:blank', title, status, detail };
    void reply.code(status).header('content-type', 'application/problem+json').send(JSON.stringify(problem));
  };
}
