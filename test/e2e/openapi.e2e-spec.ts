import { createLogger, loadConfig, ManualClock } from '@quipu/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createApi } from '../../apps/api/src/create-api.js';
import { servedOperations } from '../../apps/api/src/gnocchi/gnocchi-routes.js';
import { testDatabase, testRedis } from '../support/index.js';
import { type Document, type Operation, resolved, schemasOf } from './support/openapi-schemas.js';

/** Routes that a server has but nobody asks by: Fastify answers HEAD wherever it answers GET. */
const UNASKED = new Set(['HEAD', 'OPTIONS']);

describe('the OpenAPI document', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let store: Awaited<ReturnType<typeof testRedis>>;
  let api: NestFastifyApplication;
  let document: Document;
  let page: string;
  const routes: string[] = [];

  beforeAll(async () => {
    database = await testDatabase();
    store = await testRedis();
    api = await createApi({
      config: loadConfig({}),
      databaseUrl: database.url,
      redisUrl: store.url,
      clock: new ManualClock(Date.UTC(2026, 2, 2, 12)),
      logger: createLogger('e2e', 'silent'),
    });
    const fastify = api.getHttpAdapter().getInstance();
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) if (!UNASKED.has(one)) routes.push(`${one} ${url}`);
    });
    await api.init();
    await fastify.ready();
    document = (await api.inject({ method: 'GET', url: '/docs/openapi.json' })).json();
    page = (await api.inject({ method: 'GET', url: '/docs' })).body;
  }, 60_000);
  afterAll(async () => {
    await api.close();
    await store.release();
    await database.drop();
  });

  const operations = (): [string, Operation][] =>
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    );

  it('has every route of the server, and no other', () => {
    // The Gnocchi dialect finds its routes itself, below one path.
    const own = routes.filter((route) => !/ \/v1(\/\*)?$/.test(route));
    const served = [...own.map((route) => route.replaceAll(/:(\w+)/g, '{$1}')), ...servedOperations()];
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...new Set(served)].sort());
  });

  it('obeys the rules of OpenAPI 3.1', async () => {
    const validator = new Validator();
    const outcome = await validator.validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>);
    expect([outcome.valid, outcome.errors]).toEqual([true, undefined]);
    expect(validator.version).toBe('3.1');
  });

  it('tells of every operation what it is, whose it is, and what it answers', () => {
    const tags = new Set(document.tags.map(({ name }) => name));
    const schemes = new Set(Object.keys(document.components.securitySchemes));
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [name, { tags: own, operationId, summary, security, responses }] of operations()) {
      expect([name, operationId, summary]).toEqual([
        name,
        expect.stringMatching(/^\w+$/),
        expect.stringMatching(/\w+/),
      ]);
      expect([name, own?.every((tag) => tags.has(tag))]).toEqual([name, true]);
      expect([
        name,
        security?.flatMap((all) => Object.keys(all)).every((scheme) => schemes.has(scheme)),
      ]).toEqual([name, true]);
      const statuses = Object.keys(responses);
      expect([name, statuses.some((status) => status.startsWith('2'))]).toEqual([name, true]);
      // This envelope says 200 outside, whatever it says inside.
      if (security?.length !== 0 && !name.includes('/api2/extjs/'))
        expect([name, statuses]).toEqual([name, expect.arrayContaining(['401', '503'])]);
      for (const [status, response] of Object.entries(responses)) {
        const { description, content } = resolved(document, response);
        expect([name, status, description]).toEqual([name, status, expect.stringMatching(/\w+/)]);
        expect([name, status, Object.keys(content ?? {}).length > 0]).toEqual([name, status, true]);
      }
    }
  });

  it('answers refusals of our own routes with problem documents', () => {
    for (const [name, { security, responses }] of operations()) {
      if (!security?.some((all) => 'key' in all)) continue;
      const refusals = Object.entries(responses).filter(([status]) => Number(status) >= 400);
      expect([name, refusals.map(([status]) => status)]).toEqual([
        name,
        expect.arrayContaining(['400', '401', '403']),
      ]);
      for (const [, response] of refusals)
        expect(Object.keys(resolved(document, response).content ?? {})).toEqual(['application/problem+json']);
    }
  });

  it('describes every parameter, with an example, and each of the path', () => {
    for (const [name, { parameters = [] }] of operations()) {
      const own = parameters.map((parameter) => resolved(document, parameter));
      expect(new Set(own.map((one) => `${one.in} ${one.name}`)).size).toBe(own.length);
      for (const { name: parameter, description, example } of own) {
        expect([name, parameter, description, example]).toEqual([
          name,
          parameter,
          expect.stringMatching(/\w+/),
          expect.anything(),
        ]);
      }
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, one]) => one);
      expect(own.filter((one) => one.in === 'path').map((one) => one.name)).toEqual(inPath);
    }
  });

  it('has examples that its schemas allow', () => {
    const compile = schemasOf(document);
    const check = (where: string, schema: object, example: unknown): void => {
      const validate = compile(schema);
      expect([where, validate(example), validate.errors]).toEqual([where, true, null]);
    };
    for (const [name, { parameters = [], requestBody, responses }] of operations()) {
      for (const one of parameters) {
        const { name: parameter, schema, example } = resolved(document, one);
        check(`${name} ${parameter}`, schema, example);
      }
      const bodies = [
        ['body', requestBody?.content ?? {}],
        ...Object.entries(responses).map(
          ([status, one]) => [status, resolved(document, one).content ?? {}] as const,
        ),
      ] as const;
      for (const [where, content] of bodies) {
        for (const [type, { schema, example }] of Object.entries(content)) {
          expect([name, where, type, example]).toEqual([name, where, type, expect.anything()]);
          check(`${name} ${where} ${type}`, schema, example);
        }
      }
    }
  });

  it('is a page for people, too: complete, without scripts, and with nothing from elsewhere', async () => {
    const answer = await api.inject({ method: 'GET', url: '/docs' });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    const foreign = /<(?:script|link|img|iframe)|@import|url\(|<[^>]*\s(?:src|on\w+)=|https?:\/\//gi;
    expect([...page.matchAll(foreign)].map(([found]) => found)).toEqual([]);
    for (const [, { operationId, parameters = [] }] of operations()) {
      expect(page).toContain(`<section id="${operationId}">`);
      for (const one of parameters) expect(page).toContain(`<code>${resolved(document, one).name}</code>`);
    }
    const targets = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(targets).toContain(target);
  });
});
