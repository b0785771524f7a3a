import { AuditTrail } from '@quipu/access';
import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Cursors } from '../answers/cursor.js';
import { listFormat, sendList } from '../answers/list-answer.js';
import { readQuery } from '../answers/query-parameters.js';
import { Allow } from '../auth/allow.js';
import { auditParameters } from './admin-parameters.js';

/** `GET /api/audit`: who administered what, and who read across tenants. For superadmins. */
@Controller('api/audit')
@Allow('superadmin')
export class AuditController {
  constructor(private readonly audit: AuditTrail) {}

  /** One page, newest first. */
  @Get()
  async list(
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { actor, action, limit, cursor, format } = readQuery(auditParameters, query);
    const cursors = new Cursors(['audit', actor ?? null, action ?? null]);
    const [before] = cursors.decode(cursor, ['number']) ?? [];
    const found = await this.audit.list({
      ...(actor === undefined ? {} : { actor }),
      ...(action === undefined ? {} : { action }),
      ...(before === undefined ? {} : { before: Number(before) }),
      limit: limit + 1,
    });
    const written = listFormat(format, request);
    const rows = found.slice(0, limit).map(({ id, atMs, detail, ...row }) => ({
      ...{ id, at: new Date(atMs).toISOString(), ...row },
      detail: written === 'csv' ? JSON.stringify(detail) : detail,
    }));
    const last = found.length > limit ? rows.at(-1) : undefined;
    return sendList(request, reply, written, {
      columns: ['id', 'at', 'actor', 'action', 'detail'],
      rows,
      next: last === undefined ? null : cursors.encode([last.id]),
    });
  }
}
