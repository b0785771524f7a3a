import { actorOf, type Principal, type Scope } from '@quipu/access';
import { type Logger } from '@quipu/platform';

/** One structured line for each read that crosses tenants: who, when, what. */
export class CrossTenantReads {
  constructor(private readonly logger: Logger) {}

  /** Notes the read if the scope reaches beyond the principal's own tenant. */
  note(principal: Principal, scope: Scope, what: string): void {
    if (scope.kind === 'platform') {
      this.logger.info({ actor: actorOf(principal), scope: scope.toString(), what }, 'read across tenants');
    }
  }
}
