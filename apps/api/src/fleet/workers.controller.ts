import { SUPERADMIN_TENANT, TenantDirectory } from '@quipu/access';
import { WorkerQueries, type WorkerRow, type WorkerStanding } from '@quipu/read-models';
import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterHeader } from '../answers/after-header.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Cursors } from '../answers/cursor.js';
import { findTenant } from '../answers/find-tenant.js';
import { Freshness } from '../answers/freshness.js';
import { listFormat, sendJson, sendList } from '../answers/list-answer.js';
import { ProblemException } from '../answers/problem.exception.js';
import { readQuery } from '../answers/query-parameters.js';
import { isStorable } from '../answers/storable-text.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { iso } from '../why/why-rows.js';
import { workerParameters, type WorkerSort, workersParameters } from './fleet-parameters.js';
import { comparePlaces, WORKER_COLUMNS, workerPlace, writeWorker, type WorkerPlace } from './worker-rows.js';

/** `GET /api/workers`: who works, since when, and at what. */
@Controller('api/workers')
@Allow('superadmin', 'admin')
export class WorkersController {
  constructor(
    private readonly tenants: TenantDirectory,
    private readonly fleet: WorkerQueries,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** One page. */
  @Get()
  async workers(
    @Caller() { principal, scope }: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { tenant, pool, type, state, sort, limit, cursor, format } = readQuery(workersParameters, query);
    const by = sort.replace('-', '') as WorkerSort;
    const descending = sort.startsWith('-');
    const question = [tenant ?? null, pool ?? null, type ?? null, state ?? null, sort];
    const cursors = new Cursors(['workers', scope.toString(), question]);
    const kind = by === 'since' || by === 'lastHeartbeat' ? 'number' : 'string';
    const after = cursors.decode(cursor, [kind, 'string', 'string']) as WorkerPlace | null;
    const found = tenant === undefined ? undefined : await findTenant(this.tenants, scope, tenant);
    await this.freshness.waitFor(principal, afterHeader(request));
    const inOrder = <R extends WorkerRow | WorkerStanding>(all: readonly R[]) =>
      all
        .map((row) => ({ row, place: workerPlace(row, by) }))
        .filter(({ place }) => after === null || comparePlaces(place, after, descending) > 0)
        .sort((a, b) => comparePlaces(a.place, b.place, descending));
    const choose = (all: readonly WorkerStanding[]) =>
      inOrder(all)
        .slice(0, limit + 1)
        .map(({ row }) => row);
    const answer = await this.fleet.workers(scope, {
      now: this.clock.now(),
      // Since when they are what they are is known only once their jobs are.
      ...(by === 'since' ? {} : { choose }),
      ...(found === undefined ? {} : { tenant: found.id }),
      ...(pool === undefined ? {} : { pool }),
      ...(type === undefined ? {} : { type }),
      ...(state === undefined ? {} : { state }),
    });
    await this.crossTenantReads.note(principal, scope, 'GET /api/workers', found?.id);
    const behind = inOrder(answer.rows);
    const shown = behind.slice(0, limit);
    const last = behind.length > limit ? shown.at(-1) : undefined;
    return sendList(request, reply, listFormat(format, request), {
      about: { asOf: iso(answer.asOf) },
      columns: WORKER_COLUMNS,
      rows: shown.map(({ row }) => writeWorker(row)),
      next: last === undefined ? null : cursors.encode(last.place),
      headers: await this.freshness.headers(principal, answer),
    });
  }

  /** One worker; `id` is its subject without `worker/`, URL-encoded. */
  @Get(':id')
  async worker(
    @Caller() { principal, scope }: Caller,
    @Param('id') id: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { tenant } = readQuery(workerParameters, query);
    const found = tenant === undefined ? undefined : (await findTenant(this.tenants, scope, tenant)).id;
    // Workers belong to the platform unless they were told to belong to a tenant.
    const owner = found ?? scope.tenant ?? SUPERADMIN_TENANT;
    await this.freshness.waitFor(principal, afterHeader(request));
    const now = this.clock.now();
    const answer = isStorable(id) ? await this.fleet.worker(scope, { tenant: owner, worker: id, now }) : null;
    if (answer === null) {
      throw new ProblemException(404, 'There is no such worker.', {
        hint: 'The path holds its subject without "worker/", URL-encoded.',
      });
    }
    await this.crossTenantReads.note(principal, scope, 'GET /api/workers', owner);
    const headers = await this.freshness.headers(principal, answer);
    void reply.headers({ ...headers, vary: 'authorization' });
    const { row, timeline, timelineOmitted } = answer;
    return sendJson(reply, 200, {
      ...{ asOf: iso(answer.asOf), ...writeWorker(row) },
      ...{ registered: iso(row.registered), retired: iso(row.retired) },
      timeline: timeline.map(({ state, start, end, estimated }) => ({
        ...{ state, start: iso(start), end: iso(end), estimated },
      })),
      ...(timelineOmitted === 0 ? {} : { timelineOmitted }),
    });
  }
}
