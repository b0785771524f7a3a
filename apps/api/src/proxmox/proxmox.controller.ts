import { Readable } from 'node:stream';
import { type Principal, scopeOf } from '@quipu/access';
import { classifyPgError, type Clock, StoreUnavailableError } from '@quipu/platform';
import { GenerationStore, type GenerationsWanted, type KeptGeneration } from '@quipu/read-models';
import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { API_CLOCK, API_LOGGER, type ApiLogger } from '../api-tokens.js';
import { errorText, parseExport, reachable } from './export-parameters.js';
import { LateRefusals } from './late-refusals.js';
import { answer, around, envelopeOf, refuse } from './proxmox-answers.js';
import { proxmoxCaller, sightOf } from './proxmox-caller.js';
import { ProxmoxErrorFilter } from './proxmox-error.filter.js';
import { RememberedKeys } from './remembered-keys.js';

/** The Proxmox dialect: points of the last half hour, to be pulled (docs/api/proxmox.md). */
@Controller()
@UseFilters(ProxmoxErrorFilter)
export class ProxmoxController {
  constructor(
    private readonly keys: RememberedKeys,
    private readonly refusals: LateRefusals,
    private readonly store: GenerationStore,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_LOGGER) private readonly logger: ApiLogger,
    @Inject(API_CLOCK) private readonly clock: Clock,
  ) {}

  /** The newest generation, or those after an instant: of each the points that the caller may see. */
  @Get(['api2/json/status/metrics', 'api2/extjs/status/metrics'])
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const envelope = envelopeOf(request.url) ?? 'json';
    const caller = await proxmoxCaller(request.headers.authorization, this.keys);
    if (caller === null) {
      await this.refusals.wait(reply.raw);
      return refuse(reply, envelope, 401, 'authentication failed');
    }
    const parsed = parseExport(request.query);
    if (!parsed.ok) return refuse(reply, envelope, 400, errorText(parsed.errors), parsed.errors);
    const generations = await this.seen(caller, reachable(parsed.wanted, this.clock.now()));
    return answer(reply, Readable.from(written(generations, around(envelope)), { objectMode: false }));
  }

  /** @throws StoreUnavailableError while Redis is away. */
  private async seen(caller: Principal, wanted: GenerationsWanted): Promise<KeptGeneration[]> {
    const sight = sightOf(caller);
    await this.note(caller);
    try {
      return await this.store.read(wanted, sight === 'everything' ? undefined : sight.id);
    } catch (error) {
      throw new StoreUnavailableError('Redis is away, and the points are there.', { cause: error });
    }
  }

  /** Who read across tenants. While Postgres is away the log says it, and the audit row follows with a later read. */
  private async note(caller: Principal): Promise<void> {
    const scope = scopeOf(caller);
    if (scope === null) return;
    try {
      await this.crossTenantReads.note(caller, scope, 'GET /api2/json/status/metrics');
    } catch (error) {
      if (classifyPgError(error) !== 'retry') throw error;
      this.logger.warn({ err: error }, 'a read across tenants is not in the audit yet: Postgres is away');
    }
  }
}

/** The text of an answer, generation by generation: a full history is large, and others get their turn in between. */
async function* written(
  generations: readonly KeptGeneration[],
  { before, after }: { readonly before: string; readonly after: string },
): AsyncGenerator<string> {
  let text = before;
  let comma = '';
  for (const generation of generations) {
    const lines = generation.lines();
    if (lines.length === 0) continue;
    text += comma + lines.join(',');
    comma = ',';
    if (text.length < 65_536) continue;
    yield text;
    text = '';
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield text + after;
}
