import { actorOf, type Principal, recordAudit, type Scope, SUPERADMIN_TENANT } from '@quipu/access';
import { type Clock, type Logger } from '@quipu/platform';
import { type Pool } from 'pg';

const HOUR_MS = 3_600_000;
/** Actors × routes × tenants that are told apart within an hour; past it rows repeat, none is lost. */
const MAX_KNOWN = 10_000;

/** What the record of reads across tenants needs. */
export interface CrossTenantReadsOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Who read across tenants, when and what: a structured line for each read, and an audit row for the first of each hour
 * per actor, route and tenant. A dashboard that asks every five seconds would else fill the audit with itself.
 */
export class CrossTenantReads {
  private hour = 0;
  private readonly known = new Set<string>();

  constructor(private readonly options: CrossTenantReadsOptions) {}

  /**
   * Notes the read if the scope reaches beyond the principal's own tenant. To be awaited before the answer is sent:
   * what cannot be recorded is not read.
   * @param what method and route
   * @param tenant the one tenant asked for, if it was one
   */
  async note(principal: Principal, scope: Scope, what: string, tenant?: string): Promise<void> {
    if (scope.kind !== 'platform' || tenant === SUPERADMIN_TENANT) return;
    const { pool, clock, logger } = this.options;
    const actor = actorOf(principal);
    logger.info({ actor, scope: scope.toString(), what, ...of(tenant) }, 'read across tenants');
    const atMs = clock.now();
    const key = JSON.stringify([actor, what, tenant ?? null]);
    if (!this.isFirst(key, Math.floor(atMs / HOUR_MS))) return;
    try {
      await recordAudit(pool, { atMs, actor, action: 'tenants.read', detail: { what, ...of(tenant) } });
    } catch (error) {
      this.known.delete(key);
      throw error;
    }
  }

  private isFirst(key: string, hour: number): boolean {
    if (hour !== this.hour || this.known.size >= MAX_KNOWN) this.known.clear();
    this.hour = hour;
    if (this.known.has(key)) return false;
    this.known.add(key);
    return true;
  }
}

function of(tenant: string | undefined): { tenant?: string } {
  return tenant === undefined ? {} : { tenant };
}
