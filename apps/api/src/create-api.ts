import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiModule, type ApiOptions } from './api.module.js';
import { registerBodyParsers } from './events/body-parsers.js';

/** Bytes of a request's line and headers, and of a body; more is refused before anything is read. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 64 * 1024;

/** Headers of every answer: nothing here is framed, sniffed, cached by strangers or runs scripts. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Builds the API application, ready to listen. The caller closes it. */
export async function createApi(options: ApiOptions): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    maxParamLength: MAX_HEADER_BYTES,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    requestTimeout: 30_000,
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.of(options), adapter, {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  registerBodyParsers(adapter.getInstance());
  adapter.getInstance().addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) void reply.header(name, value);
  });
  return app;
}
