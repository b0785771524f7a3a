import {
  actorOf,
  InvalidPrincipalError,
  KeyAdministration,
  KeyNotRotatableError,
  type KeyRecord,
  PrincipalExistsError,
  TenantDirectory,
  UnknownPrincipalError,
} from '@quipu/access';
import { Controller, Delete, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from '../answers/body.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Cursors } from '../answers/cursor.js';
import { findTenant } from '../answers/find-tenant.js';
import { listFormat, sendJson, sendList } from '../answers/list-answer.js';
import { ProblemException } from '../answers/problem.exception.js';
import { readQuery } from '../answers/query-parameters.js';
import { isStorable, quoted } from '../answers/storable-text.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { keysParameters, newKey, noParameters, rotation } from './admin-parameters.js';
import { administeredTenant, checkRole } from './key-rights.js';

/** `/api/keys`: superadmins administer every key, admins those of their tenant. A secret is shown once. */
@Controller('api/keys')
@Allow('superadmin', 'admin')
export class KeysController {
  constructor(
    private readonly keys: KeyAdministration,
    private readonly tenants: TenantDirectory,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** One page, newest first. */
  @Get()
  async list(
    @Caller() { principal, scope }: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { tenant, principal: name, limit, cursor, format } = readQuery(keysParameters, query);
    const own = administeredTenant(principal);
    const cursors = new Cursors(['keys', scope.toString(), tenant ?? null, name ?? null]);
    const after = cursors.decode(cursor, ['number', 'string']);
    const found = tenant === undefined ? own : (await findTenant(this.tenants, scope, tenant)).id;
    await this.crossTenantReads.note(principal, scope, 'GET /api/keys', found ?? undefined);
    const rows = await this.keys.list({
      ...(found === null ? {} : { tenantId: found }),
      ...(name === undefined ? {} : { principal: name }),
      ...(after === null ? {} : { after: { createdMs: Number(after[0]), id: String(after[1]) } }),
      limit: limit + 1,
    });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return sendList(request, reply, listFormat(format, request), {
      columns: [
        ...(['id', 'tenant', 'principal', 'role', 'label', 'state'] as const),
        ...(['created', 'expires', 'revoked', 'sourcePrefix'] as const),
      ],
      rows: page.map((key) => this.written(key)),
      next: last === undefined ? null : cursors.encode([last.createdMs, last.id]),
    });
  }

  /** Makes a key, and its principal if it is new. */
  @Post()
  async create(
    @Caller() { principal, scope }: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    readQuery(noParameters, query);
    const own = administeredTenant(principal);
    const {
      tenant,
      principal: name,
      role,
      label,
      expires,
      sourcePrefix,
    } = readBody(newKey(this.clock.now()), request);
    checkRole(principal, role);
    const tenantId = tenant === undefined ? own : (await findTenant(this.tenants, scope, tenant)).id;
    if (tenantId === null) {
      throw new ProblemException(422, 'tenant is missing.', { hint: 'Superadmins say whose key it is.' });
    }
    const made = await translated(
      this.keys.issue({
        ...{ tenantId, principal: name, actor: actorOf(principal) },
        ...(role === undefined ? {} : { role }),
        ...(label === undefined ? {} : { label }),
        ...(expires === undefined ? {} : { expiresMs: expires }),
        ...(sourcePrefix === undefined ? {} : { sourcePrefix }),
      }),
    );
    return sendJson(reply, 201, { ...this.written(made.key), key: made.secret });
  }

  /** Makes a key that takes another one's place; the old one works on for the grace. */
  @Post(':id/rotate')
  async rotate(
    @Caller() { principal }: Caller,
    @Param('id') id: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    readQuery(noParameters, query);
    const own = administeredTenant(principal);
    const { graceSeconds, expires } = readBody(rotation(this.clock.now()), request);
    const made = await translated(
      this.keys.rotate(storableId(id), own, {
        ...{ graceMs: graceSeconds * 1000, actor: actorOf(principal) },
        ...(expires === undefined ? {} : { expiresMs: expires }),
      }),
    );
    if (made === null) throw noKey(id);
    const replaces = this.written(made.replaced);
    return sendJson(reply, 201, { ...this.written(made.key), key: made.secret, replaces });
  }

  /** Revokes a key, at once and for good; again is no error. */
  @Post(':id/revoke')
  async revoke(
    @Caller() { principal }: Caller,
    @Param('id') id: string,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    readQuery(noParameters, query);
    const key = await this.keys.revoke(storableId(id), administeredTenant(principal), actorOf(principal));
    if (key === null) throw noKey(id);
    return sendJson(reply, 200, this.written(key));
  }

  /** The same as revoke. */
  @Delete(':id')
  async remove(
    @Caller() caller: Caller,
    @Param('id') id: string,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    return this.revoke(caller, id, query, reply);
  }

  private written(key: KeyRecord) {
    const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
    const { id, tenantId: tenant, principal, role, label, sourcePrefix } = key;
    const expired = key.expiresMs !== null && key.expiresMs <= this.clock.now();
    return {
      ...{ id, tenant, principal, role, label },
      state: key.revokedMs !== null ? 'revoked' : expired ? 'expired' : 'valid',
      created: iso(key.createdMs),
      expires: iso(key.expiresMs),
      revoked: iso(key.revokedMs),
      sourcePrefix,
    };
  }
}

/** An id that Postgres can compare; any other text is an id that no key has. */
function storableId(id: string): string {
  if (!isStorable(id)) throw noKey(id);
  return id;
}

/** One 404 for keys that do not exist and for those of other tenants. */
function noKey(id: string): ProblemException {
  return new ProblemException(404, `There is no key ${quoted(id)}.`);
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof PrincipalExistsError || error instanceof KeyNotRotatableError) {
      throw new ProblemException(409, error.message);
    }
    if (error instanceof UnknownPrincipalError || error instanceof InvalidPrincipalError) {
      throw new ProblemException(422, error.message);
    }
    throw error;
  }
}
