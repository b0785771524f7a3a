import { isSuperadmin, type Principal, scopeOf } from '@quipu/access';
import { EventLog } from '@quipu/event-log';
import { Controller, Get, HttpException, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Freshness } from '../answers/freshness.js';
import { ProblemException } from '../answers/problem.exception.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { CallerPrincipal } from '../auth/caller.js';
import { BodyBudget } from './body-budget.js';
import { type DoorAnswer, EventDoor } from './event-door.js';
import { eventState } from './event-state.js';
import { bodyForm, readEvents, refuseBinaryMode } from './read-events.js';
import { readBody } from './read-body.js';
import { RefusalCounts } from './refusal-counts.js';
import { eventsParameters, lookUpParameters } from './parameters.js';
import type { LogReceipt } from './log-receipt.js';

/** Most bytes of a request with events, also once unpacked. */
const MAX_BODY_BYTES = 8 << 20;
/** Most bytes of such requests that one process holds at a time. */
const BODY_BUDGET_BYTES = 32 << 20;

/** `/api/events`: events over HTTP, and what became of them (docs/reporting.md). */
@Controller('api/events')
export class EventsController {
  private readonly budget = new BodyBudget(BODY_BUDGET_BYTES);

  constructor(
    private readonly door: EventDoor,
    private readonly refusals: RefusalCounts,
    private readonly log: EventLog,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** Takes events in: one, a batch, or one per line. */
  @Post()
  @Allow('superadmin', 'reporter')
  async take(
    @CallerPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    try {
      return await this.takeIn(principal, request, reply);
    } catch (error) {
      if (error instanceof HttpException) await this.refusals.countRequest(error.getStatus());
      throw error;
    }
  }

  private async takeIn(
    principal: Principal,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { acknowledge, backfill } = eventsParameters(request.query);
    if (backfill && !isSuperadmin(principal)) {
      throw new ProblemException(403, 'Only a superadmin may send events of any age.');
    }
    refuseBinaryMode(request.headers);
    const form = bodyForm(request.headers['content-type']);
    if (!(request.body instanceof Readable)) throw new ProblemException(400, 'The request has no body.');
    await this.door.checkOpen();
    const encoding = request.headers['content-encoding'];
    const body = await readBody(request.body, { encoding, maxBytes: MAX_BODY_BYTES, budget: this.budget });
    let answer: DoorAnswer;
    try {
      answer = await this.door.take(principal, readEvents(body, form), { acknowledge, backfill });
    } finally {
      this.budget.give(body.length);
    }
    const { accepted, rejected, receipt } = answer;
    if (receipt === null) return reply.code(202).send({ accepted, rejected });
    const headers = await this.headersOf(principal, receipt);
    const token = headers['quipu-token'] ?? null;
    return reply
      .code(200)
      .headers(headers)
      .send({ accepted, rejected, ...receiptBody(receipt), token });
  }

  /** What is known of one event: logged, dead letter, or unknown. */
  @Get(':source/:id')
  @Allow('superadmin', 'admin', 'reporter')
  async find(
    @CallerPrincipal() principal: Principal,
    @Param('source') source: string,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const tenant = lookUpParameters(request.query).tenant ?? principal.tenantId;
    if (tenant !== principal.tenantId) {
      if (!isSuperadmin(principal))
        throw new ProblemException(403, 'Only a superadmin may name another tenant.');
      await this.crossTenantReads.note(principal, scopeOf(principal)!, 'GET /api/events', tenant);
    }
    const hidden = principal.sourcePrefix !== null && !source.startsWith(principal.sourcePrefix);
    const found = hidden ? null : await this.log.find({ tenant, source, id });
    const state = found === null ? null : eventState(found, isSuperadmin(principal));
    if (state === null) {
      throw new ProblemException(404, 'No such event is known.', {
        hint: 'It may still be in the queue.',
        members: { state: 'unknown' },
      });
    }
    return reply.code(200).send({ tenant, source, id, ...state });
  }

  private async headersOf(
    principal: Principal,
    receipt: LogReceipt,
  ): Promise<Readonly<Record<string, string>>> {
    if (receipt.position === null) return {};
    return this.freshness.headers(principal, { asOf: this.clock.now(), position: receipt.position });
  }
}

function receiptBody({ appended, duplicates, conflicts, refused }: LogReceipt): object {
  return {
    new: appended,
    duplicates,
    conflicts: [
      ...conflicts.map((index) => ({ index, reason: 'id-conflict' })),
      ...refused.map((index) => ({ index, reason: 'refused-by-log' })),
    ],
  };
}
