import { isSuperadmin, type Principal, type Scope, type TenantDirectory } from '@quipu/access';
import { DIMENSIONS, type UsageFilters, type WhyQuery } from '@quipu/read-models';
import { findTenant } from '../answers/find-tenant.js';
import { type Freshness } from '../answers/freshness.js';
import { ProblemException } from '../answers/problem.exception.js';
import { quoted } from '../answers/storable-text.js';
import type { Caller } from '../auth/caller.js';
import { type AsOf } from './as-of.js';
import { checkInstants, type WhyQuestion } from './why-parameters.js';
import type { WritePosition } from './why-rows.js';

/** Turns parameters into questions for the read model. */
export class WhyAsker {
  constructor(
    private readonly tenants: TenantDirectory,
    private readonly asOf: AsOf,
    private readonly freshness: Freshness,
  ) {}

  /**
   * The question, inside the scope; `now` is the instant of asking, ms.
   * @throws ProblemException 400 for instants that do not fit, 404 for a tenant or user outside the scope.
   */
  async queryOf({ principal, scope }: Caller, asked: WhyQuestion, now: number): Promise<WhyQuery> {
    checkInstants(asked);
    const { measure, start, end, at, asOf } = asked;
    const filters = await this.filtersOf(scope, asked);
    const bounded = end !== undefined || at !== undefined;
    const past = asOf === undefined ? { now } : await this.asOf.resolve(principal, asOf, { now, bounded });
    return {
      ...{ measure, filters, ...past },
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
      ...(at === undefined ? {} : { at }),
    };
  }

  /** How positions are told to a principal. */
  async positions(principal: Principal): Promise<WritePosition> {
    if (isSuperadmin(principal)) return (position) => ({ position: String(position) });
    const tokens = await this.freshness.tokens();
    return (position) => ({ token: tokens?.encode(position) ?? '' });
  }

  private async filtersOf(scope: Scope, asked: WhyQuestion): Promise<UsageFilters> {
    const filters: UsageFilters = {};
    for (const name of [...DIMENSIONS, 'service'] as const) {
      const value = asked[name];
      if (value !== undefined) filters[name] = value;
    }
    if (filters.tenant !== undefined)
      filters.tenant = (await findTenant(this.tenants, scope, filters.tenant)).id;
    if (scope.user !== null && filters.user !== undefined && filters.user !== scope.user) {
      throw new ProblemException(404, `There is no user ${quoted(filters.user)}.`, {
        hint: 'A key of role user sees what its own user did.',
      });
    }
    return filters;
  }
}
