import { Command } from 'commander';
import { recordAudit, TenantDirectory } from '@quipu/access';
import { isTenantId, TENANT_PATTERN } from '@quipu/contracts';
import { UsageError } from '@quipu/platform';
import { nameText } from '../fleet/fleet-texts.js';
import { type Cli } from '../support/cli.js';
import { findTenant } from '../support/find-tenant.js';
import { checkName } from '../support/names.js';
import { plural } from '../support/numbers.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { withServices } from '../support/services.js';
import { renderTable } from '../support/table.js';
import { printJson, printLine } from '../support/terminal.js';
import { formatTime } from '../support/times.js';

const HELP = `
Events carry a tenant's id; people and the Coopr API use its name. Tenants that events bring come into being
with their id as name, unless QUIPU_TENANTS=strict.

Examples:
  $ ./quipu tenants
  $ ./quipu tenants create acme --name "Acme Inc"
  $ ./quipu tenants publish acme      public metrics name it; else it is part of a sum
  $ ./quipu tenants unpublish acme
`;

const LIST_HELP = `
Examples:
  $ ./quipu tenants list
  $ ./quipu tenants list --json
`;

const CREATE_HELP = `
Ids and names are unique together, and never change.

Examples:
  $ ./quipu tenants create acme
  $ ./quipu tenants create t-19 --name "Acme Inc" --json
`;

/** `tenants`: lists, creates and publishes tenants. */
export function tenantsCommand(cli: Cli): Command {
  const command = new Command('tenants')
    .description('list, create and publish tenants')
    .addHelpText('after', HELP);
  command
    .command('list', { isDefault: true })
    .description('every tenant, by name')
    .option('--json', 'print JSON')
    .addHelpText('after', LIST_HELP)
    .action((options: { json?: boolean }) => listTenants(cli, options.json ?? false));
  command
    .command('create')
    .description('create a tenant')
    .argument('<id>', 'what events carry: letters, digits and ._:@+-')
    .option('--name <name>', 'what people call it (default: its id)')
    .option('--json', 'print JSON')
    .addHelpText('after', CREATE_HELP)
    .action((id: string, options: { name?: string; json?: boolean }) => createTenant(cli, id, options));
  for (const [name, isPublic, what] of [
    ['publish', true, 'let metrics that need no key name a tenant'],
    ['unpublish', false, 'let metrics that need no key name a tenant no longer'],
  ] as const) {
    command
      .command(name)
      .description(what)
      .argument('<tenant>', 'id, else name')
      .option('--json', 'print JSON')
      .addHelpText('after', `\nExamples:\n  $ ./quipu tenants ${name} acme\n`)
      .action((tenant: string, options: { json?: boolean }) =>
        publishTenant(cli, tenant, isPublic, options.json ?? false),
      );
  }
  return command;
}

async function publishTenant(cli: Cli, text: string, isPublic: boolean, json: boolean): Promise<void> {
  const found = await withServices(cli, async ({ pool }) => {
    const tenant = await findTenant(pool, text);
    await new TenantDirectory(pool, cli.clock).setPublic(tenant.id, isPublic, LOCAL_ACTOR);
    return tenant;
  });
  if (json) {
    printJson(cli.terminal, { id: found.id, name: found.name, public: isPublic });
    return;
  }
  const how = isPublic ? 'by name' : 'only as a part of sums';
  printLine(cli.terminal, `Public metrics show ${nameText(found.name)} (${found.id}) ${how} from now on.`);
}

async function listTenants(cli: Cli, json: boolean): Promise<void> {
  const tenants = await withServices(cli, ({ pool }) => new TenantDirectory(pool).list());
  if (json) {
    const rows = tenants.map(({ createdMs, ...tenant }) => ({
      ...tenant,
      created: new Date(createdMs).toISOString(),
    }));
    printJson(cli.terminal, rows);
    return;
  }
  if (tenants.length === 0) {
    printLine(cli.terminal, 'No tenants yet. The first event of one brings it, or `./quipu tenants create`.');
    return;
  }
  const rows = tenants.map(({ id, name, createdMs, origin }) => [
    nameText(name),
    id,
    formatTime(createdMs),
    origin,
  ]);
  const columns = ['name', 'id', 'created', 'by'].map((title) => ({ title }));
  printLine(cli.terminal, renderTable(cli.terminal, columns, rows, { indent: 2 }));
  printLine(cli.terminal, cli.terminal.colours.dim(`\n  ${plural(tenants.length, 'tenant')}`));
}

async function createTenant(cli: Cli, id: string, options: { name?: string; json?: boolean }): Promise<void> {
  if (!isTenantId(id)) {
    throw new UsageError(`"${id}" cannot be a tenant's id.`, {
      hint: `An id matches ${TENANT_PATTERN.source}.`,
    });
  }
  if (options.name !== undefined) checkName('The name of a tenant', options.name);
  const tenant = await withServices(cli, async ({ pool }) => {
    const created = await new TenantDirectory(pool, cli.clock).create({
      id,
      ...(options.name === undefined ? {} : { name: options.name }),
    });
    const detail = { tenant: created.id, name: created.name };
    await recordAudit(pool, { atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'tenant.created', detail });
    return created;
  });
  if (options.json) printJson(cli.terminal, { id: tenant.id, name: tenant.name });
  else {
    printLine(cli.terminal, `Tenant ${nameText(tenant.name)} (${tenant.id}) exists now.`);
    printLine(cli.terminal, `A key for it: ./quipu keys create ${tenant.id} admin --role admin`);
  }
}
