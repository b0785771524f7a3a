import { TenantDirectory } from '@quipu/access';
import { type EntityAnswer, EntityQueries } from '@quipu/read-models';
import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { afterHeader } from '../answers/after-header.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Cursors } from '../answers/cursor.js';
import { findTenant } from '../answers/find-tenant.js';
import { Freshness } from '../answers/freshness.js';
import { sendJson } from '../answers/list-answer.js';
import { ProblemException } from '../answers/problem.exception.js';
import { badQuery, DEFAULT_LIMIT, limitText, readQuery, storableText } from '../answers/query-parameters.js';
import { isStorable } from '../answers/storable-text.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { WhyAsker } from '../why/why-asker.js';
import { iso, type WritePosition } from '../why/why-rows.js';

const parameters = z.object({
  tenant: storableText.optional(),
  limit: limitText.default(DEFAULT_LIMIT),
  cursor: z.string().optional(),
});

/** `GET /api/jobs/<id>`, `GET /api/nodes/<id>`: what became of one of them, and the events that say so. */
@Controller('api')
@Allow('superadmin', 'admin', 'user')
export class EntitiesController {
  constructor(
    private readonly tenants: TenantDirectory,
    private readonly entities: EntityQueries,
    private readonly asker: WhyAsker,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** A job; `id` is its subject without `job/`, URL-encoded. */
  @Get('jobs/:id')
  job(
    @Caller() caller: Caller,
    @Param('id') id: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    return this.answer('job', caller, id, query, request, reply);
  }

  /** A node; `id` is its subject without `node/`, URL-encoded. */
  @Get('nodes/:id')
  node(
    @Caller() caller: Caller,
    @Param('id') id: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    return this.answer('node', caller, id, query, request, reply);
  }

  private async answer(
    kind: 'job' | 'node',
    { principal, scope }: Caller,
    name: string,
    query: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { tenant, limit, cursor } = readQuery(parameters, query);
    if (!isStorable(name)) throw nothing(kind);
    const id = `${kind}/${name}`;
    const owner = tenant === undefined ? scope.tenant : (await findTenant(this.tenants, scope, tenant)).id;
    if (owner === null) {
      throw badQuery([{ parameter: 'tenant', detail: `is missing: two tenants may have the same ${kind}` }]);
    }
    const cursors = new Cursors([kind, scope.toString(), owner, id]);
    const after = await this.positionOf(cursors.decode(cursor, ['string'])?.[0]);
    await this.freshness.waitFor(principal, afterHeader(request));
    const answer = await this.entities.entity(scope, { tenant: owner, kind, id, after, limit });
    if (answer === null) throw nothing(kind);
    await this.crossTenantReads.note(principal, scope, `GET /api/${kind}s`, owner);
    const tokens = await this.freshness.tokens();
    const next = answer.next === null ? null : cursors.encode([tokens?.encode(answer.next) ?? '']);
    const headers = await this.freshness.headers(principal, {
      asOf: this.clock.now(),
      position: answer.position,
    });
    void reply.headers({ ...headers, vary: 'authorization' });
    return sendJson(reply, 200, body(answer, await this.asker.positions(principal), next));
  }

  private async positionOf(token: string | number | undefined): Promise<bigint> {
    if (token === undefined) return 0n;
    const position = (await this.freshness.tokens())?.decode(String(token)) ?? null;
    if (position !== null) return position;
    const detail = 'is no cursor of this ledger any more; begin again without it';
    throw badQuery([{ parameter: 'cursor', detail }]);
  }
}

/** One body for what does not exist and what is somebody else's. */
function nothing(kind: 'job' | 'node'): ProblemException {
  return new ProblemException(404, `There is no such ${kind}.`, {
    hint: `The path holds its subject without "${kind}/", URL-encoded.`,
  });
}

function body(answer: EntityAnswer, position: WritePosition, next: string | null) {
  const { key, status, estimated: guessed, fields, intervals, intervalsOmitted, events } = answer;
  return {
    ...{ entity: key.id, kind: key.kind, tenant: key.tenant, status, estimated: guessed, fields },
    intervals: intervals.map(({ level, life, start, end, estimated, fields: own }) => ({
      ...{ level, life, start: iso(start), end: iso(end), estimated, fields: own },
    })),
    ...(intervalsOmitted === 0 ? {} : { intervalsOmitted }),
    events: events.map(({ event, skipped }) => ({
      ...{ type: event.type, time: iso(event.time), recorded: iso(event.recordedMs) },
      ...{ source: event.source, id: event.id, dataversion: event.dataversion, data: event.data },
      ...(event.sequence === undefined ? {} : { sequence: event.sequence }),
      ...(skipped ? { skipped } : {}),
      ...position(event.position),
    })),
    next,
  };
}
