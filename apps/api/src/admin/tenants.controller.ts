import { actorOf, type Principal, type Tenant, TenantDirectory, TenantExistsError } from '@quipu/access';
import { Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from '../answers/body.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Cursors } from '../answers/cursor.js';
import { listFormat, sendJson, sendList } from '../answers/list-answer.js';
import { ProblemException } from '../answers/problem.exception.js';
import { readQuery } from '../answers/query-parameters.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { newTenant, noParameters, tenantsParameters } from './admin-parameters.js';

/** `/api/tenants`: who there is. */
@Controller('api/tenants')
export class TenantsController {
  constructor(
    private readonly tenants: TenantDirectory,
    private readonly crossTenantReads: CrossTenantReads,
  ) {}

  /** One page, ordered by id: all tenants for superadmins, the own one for admins. */
  @Get()
  @Allow('superadmin', 'admin')
  async list(
    @Caller() { principal, scope }: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { limit, cursor, format } = readQuery(tenantsParameters, query);
    const cursors = new Cursors(['tenants', scope.toString()]);
    const [after] = cursors.decode(cursor, ['string']) ?? [];
    await this.crossTenantReads.note(principal, scope, 'GET /api/tenants');
    const seen = await this.seenBy(principal, scope.tenant);
    const behind = seen.filter(({ id }) => after === undefined || id > String(after));
    const rows = behind.slice(0, limit).map(written);
    const last = behind.length > limit ? rows.at(-1) : undefined;
    return sendList(request, reply, listFormat(format, request), {
      columns: ['id', 'name', 'created', 'origin'],
      rows,
      next: last === undefined ? null : cursors.encode([last.id]),
    });
  }

  /** Creates a tenant, so that its programs may report. */
  @Post()
  @Allow('superadmin')
  async create(
    @Caller() { principal }: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    readQuery(noParameters, query);
    const { id, name } = readBody(newTenant, request);
    const asked = { id, actor: actorOf(principal), ...(name === undefined ? {} : { name }) };
    try {
      return sendJson(reply, 201, written(await this.tenants.create(asked)));
    } catch (error) {
      if (error instanceof TenantExistsError) throw new ProblemException(409, error.message);
      throw error;
    }
  }

  private async seenBy(principal: Principal, tenant: string | null): Promise<Tenant[]> {
    if (tenant === null) return (await this.tenants.list()).sort((a, b) => (a.id < b.id ? -1 : 1));
    const own = await this.tenants.findByIdThenName(principal.tenantId);
    return own === null ? [] : [own];
  }
}

type WrittenTenant = { id: string; name: string; created: string; origin: string };

function written({ id, name, createdMs, origin }: Tenant): WrittenTenant {
  return { id, name, created: new Date(createdMs).toISOString(), origin };
}
