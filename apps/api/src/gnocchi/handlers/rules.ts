import { type ArchiveRule, CatalogueError } from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import { needAdmin } from '../gnocchi-caller.js';
import { inPath } from './link.js';
import { nameOf, objectOf, textOf } from '../input/schema.js';
import { ruleObject } from './objects.js';

const NAME = nameOf(255);
const TEXT = textOf(255);
const NEW_RULE = objectOf({ name: NAME, metric_pattern: TEXT, archive_policy_name: TEXT });
const CHANGE = objectOf({ name: NAME });

/** `GET /v1/archive_policy_rule` */
export async function listRules({ rules }: GnocchiArchive): Promise<GnocchiAnswer> {
  return { status: 200, value: (await rules.list()).map(ruleObject) };
}

/** `POST /v1/archive_policy_rule` */
export async function createRule({ rules }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  needAdmin(call.caller);
  const body = await call.body(NEW_RULE);
  const rule = { name: body.name, policy: body.archive_policy_name, pattern: body.metric_pattern };
  try {
    await rules.create(rule);
  } catch (error) {
    if (!(error instanceof CatalogueError) || error.refusal !== 'no-such-policy') throw error;
    throw new GnocchiError(400, { cause: 'Archive policy does not exist', detail: error.subject });
  }
  const location = `${call.base}/archive_policy_rule/${inPath(rule.name)}`;
  return { status: 201, value: ruleObject(rule), headers: { location } };
}

/** The rule that the path names. @throws CatalogueError (no-such-rule) */
export function knownRule({ rules }: GnocchiArchive, call: GnocchiCall): Promise<ArchiveRule> {
  return rules.get(call.name());
}

/** `GET /v1/archive_policy_rule/<name>` */
export async function getRule(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return { status: 200, value: ruleObject(await knownRule(archive, call)) };
}

/** `PATCH /v1/archive_policy_rule/<name>` */
export async function renameRule({ rules }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { name } = await rules.get(call.name());
  needAdmin(call.caller);
  const body = await call.body(CHANGE);
  return { status: 200, value: ruleObject(await rules.rename(name, body.name)) };
}

/** `DELETE /v1/archive_policy_rule/<name>` */
export async function deleteRule({ rules }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { name } = await rules.get(call.name());
  needAdmin(call.caller);
  await rules.remove(name);
  return { status: 204 };
}
