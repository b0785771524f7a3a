import { type Tenant, TenantDirectory } from '@quipu/access';
import { type Pool } from 'pg';
import { CommandFailedError } from './exit-codes.js';

/**
 * The tenant with this id, else with this name.
 * @throws CommandFailedError when there is none.
 */
export async function findTenant(pool: Pool, text: string): Promise<Tenant> {
  const tenant = await new TenantDirectory(pool).findByIdThenName(text);
  if (tenant) return tenant;
  throw new CommandFailedError(`There is no tenant "${text}".`, {
    hint: '`./quipu tenants list` shows all of them, `./quipu tenants create` makes one.',
  });
}
