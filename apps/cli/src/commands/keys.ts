import { Command, Option } from 'commander';
import { MAX_ATTRIBUTE_LENGTH } from '@quipu/contracts';
import {
  KeyAdministration,
  KeyStore,
  Principals,
  type Role,
  ROLES,
  UnknownPrincipalError,
} from '@quipu/access';
import { UsageError } from '@quipu/platform';
import { nameText } from '../fleet/fleet-texts.js';
import { type Cli } from '../support/cli.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { findTenant } from '../support/find-tenant.js';
import { checkName } from '../support/names.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { withServices } from '../support/services.js';
import { renderTable } from '../support/table.js';
import { note, printJson, printLine } from '../support/terminal.js';
import { formatTime, parseDuration, parseTime } from '../support/times.js';

const HELP = `
A key belongs to a principal: a person or a program of one tenant, with a role. superadmin (only in tenant
superadmin) sees every tenant, admin its tenant, user its own jobs; reporter only sends events, scraper only
reads metrics. The key is shown once, when it is made.

Examples:
  $ ./quipu keys
  $ ./quipu keys create acme george --role user
  $ ./quipu keys create acme prometheus --role scraper --label "prometheus 1" --expires +365d
  $ ./quipu keys rotate 0b9f6f0c-6a3e-4a3c-9a43-0b8f3a8b6a51 --grace 1h
  $ ./quipu keys revoke 0b9f6f0c-6a3e-4a3c-9a43-0b8f3a8b6a51
`;

const LIST_HELP = `
Examples:
  $ ./quipu keys list
  $ ./quipu keys list --tenant acme --json
`;

const CREATE_HELP = `
The key alone goes to standard output, so that a script can catch it.

Examples:
  $ ./quipu keys create acme ann --role admin
  $ ./quipu keys create acme ci --role reporter --source-prefix ci/ --expires +90d
  $ KEY=$(./quipu keys create acme prometheus --role scraper)
`;

const ROTATE_HELP = `
The new key has the principal and label of the old one, and expires when told, else as long from now as the old one was
made for. The old one works for the grace, never longer than it would have. The key that QUIPU_SUPERADMIN_KEY presets is
changed there.

Examples:
  $ ./quipu keys rotate 0b9f6f0c-6a3e-4a3c-9a43-0b8f3a8b6a51
  $ ./quipu keys rotate 0b9f6f0c-6a3e-4a3c-9a43-0b8f3a8b6a51 --grace 0s --expires +90d --json
`;

const REVOKE_HELP = `
Examples:
  $ ./quipu keys revoke 0b9f6f0c-6a3e-4a3c-9a43-0b8f3a8b6a51
`;

/** How long a rotated key may go on working at most, as over HTTP. */
const MAX_GRACE_MS = 30 * 86_400_000;

interface CreateOptions {
  readonly role?: Role;
  readonly label?: string;
  readonly expires?: string;
  readonly sourcePrefix?: string;
  readonly json?: boolean;
}

interface RotateOptions {
  readonly grace: string;
  readonly expires?: string;
  readonly json?: boolean;
}

/** `keys`: makes, lists, rotates and revokes API keys. */
export function keysCommand(cli: Cli): Command {
  const command = new Command('keys')
    .description('make, list, rotate and revoke API keys')
    .addHelpText('after', HELP);
  command
    .command('list', { isDefault: true })
    .description('every key, newest first; never its secret')
    .option('--tenant <tenant>', 'only keys of this tenant (id, else name)')
    .option('--json', 'print JSON')
    .addHelpText('after', LIST_HELP)
    .action((options: { tenant?: string; json?: boolean }) => listKeys(cli, options));
  command
    .command('create')
    .description('make a key; prints it once')
    .argument('<tenant>', 'the tenant (id, else name)')
    .argument('<principal>', 'whose key it is')
    .addOption(new Option('--role <role>', 'the role, when the principal is new or changes').choices(ROLES))
    .option('--label <text>', 'what the key is for')
    .option('--expires <time>', 'when it stops working, such as +90d')
    .option('--source-prefix <text>', 'a reporter may only send events whose source begins so')
    .option('--json', 'print JSON')
    .addHelpText('after', CREATE_HELP)
    .action((tenant: string, principal: string, options: CreateOptions) =>
      createKey(cli, tenant, principal, options),
    );
  command
    .command('rotate')
    .description('make a key that takes the place of another; prints it once')
    .argument('<id>', 'id of the old key, as the list shows it')
    .option('--grace <duration>', 'how long the old one goes on working, at most 30d', '1d')
    .option('--expires <time>', 'when the new one stops working, such as +90d')
    .option('--json', 'print JSON')
    .addHelpText('after', ROTATE_HELP)
    .action((id: string, options: RotateOptions) => rotateKey(cli, id, options));
  command
    .command('revoke')
    .description('make a key stop working, at once and for good')
    .argument('<id>', 'its id, as the list shows it')
    .option('--json', 'print JSON')
    .addHelpText('after', REVOKE_HELP)
    .action((id: string, options: { json?: boolean }) => revokeKey(cli, id, options));
  return command;
}

async function listKeys(cli: Cli, options: { tenant?: string; json?: boolean }): Promise<void> {
  const keys = await withServices(cli, async ({ pool }) => {
    const tenant =
      options.tenant === undefined ? {} : { tenantId: (await findTenant(pool, options.tenant)).id };
    return new KeyAdministration(pool).list({ ...tenant, limit: Number.MAX_SAFE_INTEGER });
  });
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  if (options.json) {
    const rows = keys.map(({ tenantId, createdMs, expiresMs, revokedMs, ...key }) => ({
      ...{ id: key.id, tenant: tenantId, principal: key.principal, role: key.role, label: key.label },
      ...{ created: iso(createdMs), expires: iso(expiresMs), revoked: iso(revokedMs) },
      ...{ sourcePrefix: key.sourcePrefix },
    }));
    printJson(cli.terminal, rows);
    return;
  }
  if (keys.length === 0) {
    printLine(cli.terminal, 'No keys yet. Make one: ./quipu keys create <tenant> <principal> --role admin');
    return;
  }
  const now = cli.clock.now();
  const rows = keys.map((key) => [
    key.id,
    `${key.tenantId}/${nameText(key.principal)}`,
    key.role,
    key.label === '' ? '' : nameText(key.label),
    formatTime(key.createdMs),
    stateOf(key, now),
  ]);
  const columns = ['id', 'principal', 'role', 'label', 'created', 'state'].map((title) => ({ title }));
  printLine(cli.terminal, renderTable(cli.terminal, columns, rows, { indent: 2 }));
}

function stateOf(key: { expiresMs: number | null; revokedMs: number | null }, now: number): string {
  if (key.revokedMs !== null) return `revoked ${formatTime(key.revokedMs)}`;
  if (key.expiresMs === null) return 'valid';
  return `${key.expiresMs <= now ? 'expired' : 'valid until'} ${formatTime(key.expiresMs)}`;
}

async function createKey(cli: Cli, tenantText: string, name: string, options: CreateOptions): Promise<void> {
  checkName('The name of a principal', name);
  if (options.label !== undefined) checkName('A label', options.label);
  if (options.sourcePrefix !== undefined)
    checkName('A source prefix', options.sourcePrefix, MAX_ATTRIBUTE_LENGTH);
  const now = cli.clock.now();
  const expires = options.expires === undefined ? {} : { expiresMs: parseTime(options.expires, now) };
  const made = await withServices(cli, async ({ pool }) => {
    const tenant = await findTenant(pool, tenantText);
    if (options.role !== undefined) {
      await new Principals(pool, cli.clock).createPrincipal({
        ...{ tenantId: tenant.id, name, role: options.role, actor: LOCAL_ACTOR },
        ...(options.sourcePrefix === undefined ? {} : { sourcePrefix: options.sourcePrefix }),
      });
    }
    const label = options.label === undefined ? {} : { label: options.label };
    const key = await new KeyStore(pool, cli.clock)
      .createKey({ tenantId: tenant.id, name }, { actor: LOCAL_ACTOR, ...label, ...expires })
      .catch((error: unknown) => {
        if (error instanceof UnknownPrincipalError)
          error.hint = 'Add --role and it comes into being: --role admin.';
        throw error;
      });
    return { ...key, tenant: tenant.id };
  });
  if (options.json) {
    printJson(cli.terminal, { id: made.id, tenant: made.tenant, principal: name, key: made.secret });
    return;
  }
  printLine(cli.terminal, made.secret);
  note(
    cli.terminal,
    `This is the key of ${made.tenant}/${name}. It is shown this once; its id is ${made.id}.`,
  );
}

async function rotateKey(cli: Cli, id: string, options: RotateOptions): Promise<void> {
  const graceMs = parseDuration(options.grace);
  if (graceMs > MAX_GRACE_MS) {
    throw new UsageError(`--grace ${options.grace} is too long.`, { hint: 'It is 30d at most.' });
  }
  const expires =
    options.expires === undefined ? {} : { expiresMs: parseTime(options.expires, cli.clock.now()) };
  const rotated = await withServices(cli, ({ pool }) =>
    new KeyAdministration(pool, cli.clock).rotate(id, null, { graceMs, actor: LOCAL_ACTOR, ...expires }),
  );
  if (rotated === null) throw noKey(`There is no key ${id}.`);
  const { key, secret, replaced } = rotated;
  if (options.json) {
    printJson(cli.terminal, {
      ...{ id: key.id, tenant: key.tenantId, principal: key.principal, key: secret },
      replaces: { id: replaced.id, expires: new Date(replaced.expiresMs!).toISOString() },
    });
    return;
  }
  printLine(cli.terminal, secret);
  const until =
    replaced.expiresMs! <= cli.clock.now() ? 'no more' : `until ${formatTime(replaced.expiresMs!)}`;
  note(
    cli.terminal,
    `This is the new key of ${key.tenantId}/${key.principal}. It is shown this once; its id is ${key.id}.\n` +
      `The old one works ${until}.`,
  );
}

async function revokeKey(cli: Cli, id: string, options: { json?: boolean }): Promise<void> {
  const revoked = await withServices(cli, ({ pool }) =>
    new KeyStore(pool, cli.clock).revokeKey(id, LOCAL_ACTOR),
  );
  if (!revoked) throw noKey(`There is no valid key ${id}.`);
  if (options.json) printJson(cli.terminal, { id, revoked: true });
  else printLine(cli.terminal, `Key ${id} does not work any more.`);
}

function noKey(message: string): CommandFailedError {
  return new CommandFailedError(message, { hint: '`./quipu keys` shows all of them.' });
}
