import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { VERSION } from '../version.js';
import { openApiDocument } from './openapi-document.js';
import { renderDocs } from './render-docs.js';

/** `/docs`: what there is to ask, for people and for programs. It tells no numbers, so it asks nobody who they are. */
@Controller('docs')
export class DocsController {
  private readonly document = openApiDocument(VERSION);
  private readonly json = Buffer.from(JSON.stringify(this.document));
  private readonly html = Buffer.from(renderDocs(this.document));

  /** The page. */
  @Get()
  page(@Res() reply: FastifyReply): FastifyReply {
    return reply.header('content-type', 'text/html; charset=utf-8').send(this.html);
  }

  /** The document. */
  @Get('openapi.json')
  openapi(@Res() reply: FastifyReply): FastifyReply {
    return reply.header('content-type', 'application/json').send(this.json);
  }
}
