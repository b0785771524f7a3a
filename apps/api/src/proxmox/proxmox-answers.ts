import type { FastifyReply } from 'fastify';

/** The two envelopes: the bare one, and the one that always answers 200 and says inside what it was. */
export type Envelope = 'json' | 'extjs';

const PATHS = /^\/api2\/(json|extjs)(?:\/|$)/;
/** As the original writes it, whatever the body is. */
const CONTENT_TYPE = 'application/json;charset=UTF-8';

/** The envelope that a path asks for; null if the path is not the dialect's. @param url path, with or without query. */
export function envelopeOf(url: string): Envelope | null {
  const [, envelope] = PATHS.exec(url.split('?', 1)[0] ?? '') ?? [];
  return envelope === 'json' || envelope === 'extjs' ? envelope : null;
}

/** The URL with no slash too many, if its path is the dialect's: the original's router looks at what is between them. */
export function withFewestSlashes(url: string): string {
  const [path] = url.split('?', 1) as [string];
  if (!/^\/+api2(?:\/|$)/.test(path)) return url;
  return path.replace(/\/+/g, '/').replace(/\/$/, '') + url.slice(path.length);
}

/** What a good answer's text begins and ends with; the list's elements go in between. */
export function around(envelope: Envelope): { readonly before: string; readonly after: string } {
  // Twice `data`: the envelope's, and that of the result.
  return {
    before: '{"data":{"data":[',
    after: envelope === 'json' ? ']}}' : ']},"status":200,"success":true}',
  };
}

/** Sends a good answer. @param body text that is written, or a stream of it. */
export function answer(reply: FastifyReply, body: Buffer | NodeJS.ReadableStream): FastifyReply {
  return reply.code(200).header('content-type', CONTENT_TYPE).send(body);
}

/**
 * Refuses in the form of the dialect: the bare message, or with status 200 an object that says so.
 * @param errors what is wrong with which parameter
 */
export function refuse(
  reply: FastifyReply,
  envelope: Envelope,
  status: number,
  message: string,
  errors: Readonly<Record<string, string>> = {},
): FastifyReply {
  void reply.header('content-type', CONTENT_TYPE);
  if (envelope === 'json') return reply.code(status).send(Buffer.from(message));
  const body = { data: null, errors, message, status, success: false };
  return reply.code(200).send(Buffer.from(JSON.stringify(body)));
}
