import type { Readable } from 'node:stream';
import { type WhyPlace, WhyQueries, type WhyQuery } from '@quipu/read-models';
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterHeader } from '../answers/after-header.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { type CursorPart, Cursors } from '../answers/cursor.js';
import { Freshness } from '../answers/freshness.js';
import { listFormat, sendList } from '../answers/list-answer.js';
import { badQuery, readQuery } from '../answers/query-parameters.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { Turns } from './turns.js';
import { WhyAsker } from './why-asker.js';
import { WhyExport } from './why-export.js';
import { exportParameters, whyParameters } from './why-parameters.js';
import { amountText, iso, unitOf, WHY_COLUMNS, writeItem } from './why-rows.js';

/** now, token of the position, then the last item's place. */
const CURSOR = ['number', 'string', 'string', 'string', 'string', 'string', 'string'] as const;

/** `GET /api/why`: the entities and intervals that add up to a number, and the events behind them. */
@Controller('api/why')
@Allow('superadmin', 'admin', 'user')
export class WhyController {
  constructor(
    private readonly asker: WhyAsker,
    private readonly reasons: WhyQueries,
    private readonly exports: WhyExport,
    private readonly turns: Turns,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** One page, largest first. The first page decides at which position and instant all pages stand. */
  @Get()
  async why(
    @Caller() caller: Caller,
    @Query() raw: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { principal, scope } = caller;
    const { cursor, limit: _, format: __, events: ___, ...question } = readQuery(whyParameters(0), raw);
    const { start, end, at } = raw as { start?: string; end?: string; at?: string };
    const cursors = new Cursors(['why', scope.toString(), { ...question, start, end, at }]);
    const parts = cursors.decode(cursor, CURSOR);
    const now = Math.min(Number(parts?.[0] ?? this.clock.now()), this.clock.now());
    const asked = readQuery(whyParameters(now), raw);
    const { limit, format } = asked;
    await this.freshness.waitFor(principal, afterHeader(request));
    const first = await this.asker.queryOf(caller, asked, now);
    const page: WhyQuery = { ...first, limit, events: asked.events === 'true' && format !== 'csv' };
    const answer = await this.turns.take(async () =>
      this.reasons.why(scope, parts === null ? page : { ...page, ...(await this.resume(parts)) }),
    );
    await this.crossTenantReads.note(principal, scope, 'GET /api/why', first.filters?.tenant);
    const position = await this.asker.positions(principal);
    const { window } = answer;
    const integral = unitOf(window.measure).endsWith('seconds');
    return sendList(request, reply, listFormat(format, request), {
      about: {
        ...{ measure: window.measure, unit: unitOf(window.measure), asOf: iso(answer.asOf) },
        ...(integral ? { start: iso(window.start), end: iso(window.end) } : { at: iso(window.at) }),
        ...{ entities: answer.entities, intervals: answer.intervals },
        total: amountText(window.measure, answer.total),
        estimated: answer.estimatedTotal !== 0n,
        estimatedTotal: amountText(window.measure, answer.estimatedTotal),
      },
      columns: WHY_COLUMNS,
      rows: answer.items.map((item) => writeItem(answer, item, position)),
      next:
        answer.next === null ? null : cursors.encode(await this.partsOf(now, answer.position, answer.next)),
      headers: await this.freshness.headers(principal, answer),
    });
  }

  /**
   * The number with everything it is made of, for tools/check.mjs. It holds positions of the log, which tell the
   * platform's volume: a superadmin takes it, and hands it to the tenant whose number it is.
   */
  @Get('export')
  @Allow('superadmin')
  async export(
    @Caller() caller: Caller,
    @Query() raw: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const { principal, scope } = caller;
    const now = this.clock.now();
    const asked = readQuery(exportParameters(now), raw);
    await this.freshness.waitFor(principal, afterHeader(request));
    const query = await this.asker.queryOf(caller, asked, now);
    await this.crossTenantReads.note(principal, scope, 'GET /api/why/export', query.filters?.tenant);
    let lines: Readable;
    try {
      lines = await this.exports.start(scope, query, gone.signal);
    } catch (error) {
      // Nobody is there to be told, and nothing went wrong.
      if (gone.signal.aborted) return reply.hijack();
      throw error;
    }
    const name = `attachment; filename="${asked.measure}.ndjson"`;
    void reply.code(200).header('content-type', 'application/x-ndjson');
    return reply.header('content-disposition', name).send(lines);
  }

  private async partsOf(now: number, position: bigint, place: WhyPlace): Promise<CursorPart[]> {
    const token = (await this.freshness.tokens())?.encode(position) ?? '';
    const { amount, tenant, id, life, start } = place;
    return [now, token, String(amount), tenant, id, life, String(start ?? '')];
  }

  private async resume([, token, amount, tenant, id, life, start]: readonly CursorPart[]): Promise<
    Pick<WhyQuery, 'position' | 'after'>
  > {
    const position = (await this.freshness.tokens())?.decode(String(token)) ?? null;
    const written = [String(amount), String(start)];
    if (position === null || !/^\d{1,40}$/.test(written[0]!) || !/^(-?\d{1,16})?$/.test(written[1]!)) {
      const detail = 'is no cursor of this ledger any more; begin again without it';
      throw badQuery([{ parameter: 'cursor', detail }]);
    }
    const after: WhyPlace = {
      amount: BigInt(written[0]!),
      ...{ tenant: String(tenant), id: String(id), life: String(life) },
      start: written[1] === '' ? null : Number(written[1]),
    };
    return { position, after };
  }
}
