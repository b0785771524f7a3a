import { All, Controller, Get, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GnocchiDialect } from './gnocchi-dialect.js';

/**
 * The controllers of the Gnocchi dialect (docs/api/gnocchi.md), mounted at `prefix`. Routes, methods and refusals are
 * the dialect's own business; where it is not mounted at the root, it answers for the place where it is as well.
 */
export function gnocchiControllers(prefix: string): Type[] {
  @Controller(prefix)
  class GnocchiController {
    constructor(readonly dialect: GnocchiDialect) {}

    @All(['v1', 'v1/*'])
    serve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
      return this.dialect.serve(request, reply);
    }

    @Get('healthcheck')
    health(@Res() reply: FastifyReply): FastifyReply {
      return this.dialect.health(reply);
    }
  }

  @Controller(prefix)
  class GnocchiRootController {
    constructor(readonly dialect: GnocchiDialect) {}

    @Get()
    versions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
      return this.dialect.versions(request, reply);
    }
  }
  return prefix === '' ? [GnocchiController] : [GnocchiController, GnocchiRootController];
}
