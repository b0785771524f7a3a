import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiModule, type ApiOptions } from './api.module.js';
import { answerUnroutable } from './answers/unroutable.js';
import { withoutFinalSlash } from './coopr/coopr-paths.js';
import { withoutSlash } from './debusine/without-slash.js';
import { registerBodyParsers } from './events/body-parsers.js';
import { isGnocchiPath, withOneSlash } from './gnocchi/gnocchi-paths.js';
import { withFewestSlashes } from './proxmox/proxmox-answers.js';
import { RequestThrottle } from './throttle/request-throttle.js';
import { registerThrottle } from './throttle/throttle-hook.js';

/** Bytes of a request's line and headers, and of a body; more is refused before anything is read. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Headers of every answer: nothing here is framed, sniffed, cached by strangers or runs scripts. They are those of
 * helmet, stricter where helmet allows more, except for Strict-Transport-Security: it binds every port of a host, so it
 * is for whoever ends TLS there to say.
 */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

/** Builds the API application, ready to listen. The caller closes it. */
export async function createApi(options: ApiOptions): Promise<NestFastifyApplication> {
  const { gnocchiPrefix } = options.config;
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    requestTimeout: 30_000,
    frameworkErrors: answerUnroutable(SECURITY_HEADERS, gnocchiPrefix),
    rewriteUrl: (request: { readonly url?: string | undefined }) =>
      withFewestSlashes(withoutFinalSlash(withoutSlash(withOneSlash(gnocchiPrefix, request.url ?? '/')))),
    trustProxy: options.config.trustedProxies.length === 0 ? false : [...options.config.trustedProxies],
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.of(options), adapter, {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  registerBodyParsers(adapter.getInstance(), ({ url }) => isGnocchiPath(gnocchiPrefix, url));
  const { config, redisUrl, logger } = options;
  const rates = { perKey: config.requestsPerKey, perAddress: config.requestsPerAddress };
  registerThrottle(adapter.getInstance(), new RequestThrottle(redisUrl, rates, logger), gnocchiPrefix);
  let ending = false;
  adapter.getInstance().addHook('preClose', (done) => {
    ending = true;
    done();
  });
  adapter.getInstance().addHook('onSend', async (_request, reply) => {
    // A connection that is kept after the last answer would hold up the end of the process.
    if (ending) void reply.header('connection', 'close');
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
      // A page with scripts of its own brings its own policy.
      if (!reply.hasHeader(name)) void reply.header(name, value);
    }
  });
  return app;
}
