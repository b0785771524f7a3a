import {
  type ArchivePolicyItem,
  completeDefinition,
  DEFAULT_METHODS,
  DefinitionError,
  expandMethods,
  METHOD_ENTRIES,
} from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import { needAdmin } from '../gnocchi-caller.js';
import {
  Invalid,
  listOf,
  nameOf,
  objectOf,
  oneOf,
  optional,
  type Schema,
  wholeNumber,
} from '../input/schema.js';
import { parseTimespan, TimespanError } from '../input/timespan.js';
import { inPath } from './link.js';
import { policyObject } from './objects.js';

const MAX_NAME = 255;
/** Most resolutions of a policy. */
const MAX_ITEMS = 100;

const timespan: Schema<bigint> = (value, path) => {
  try {
    return parseTimespan(value);
  } catch (error) {
    if (error instanceof TimespanError) throw new Invalid(error.message, path);
    throw error;
  }
};

const DEFINITION = listOf(
  objectOf({
    granularity: optional(timespan),
    points: optional(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
    timespan: optional(timespan),
  }),
  { min: 1, max: MAX_ITEMS },
);
const BACK_WINDOW = wholeNumber(0, 2_147_483_647);
const NEW_POLICY = objectOf({
  name: nameOf(MAX_NAME),
  back_window: optional(BACK_WINDOW),
  aggregation_methods: optional(listOf(oneOf(METHOD_ENTRIES), { max: METHOD_ENTRIES.size })),
  definition: DEFINITION,
});
const CHANGE = objectOf({ definition: DEFINITION, back_window: optional(BACK_WINDOW) });

/** `GET /v1/archive_policy` */
export async function listPolicies({ policies }: GnocchiArchive): Promise<GnocchiAnswer> {
  return { status: 200, value: (await policies.list()).map(policyObject) };
}

/** `POST /v1/archive_policy` */
export async function createPolicy({ policies }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  needAdmin(call.caller);
  const body = await call.body(NEW_POLICY);
  const policy = {
    name: body.name,
    backWindow: body.back_window ?? 0,
    definition: definitionOf(body.definition),
    aggregationMethods: expandMethods(body.aggregation_methods ?? DEFAULT_METHODS),
  };
  await policies.create(policy);
  const location = `${call.base}/archive_policy/${inPath(policy.name)}`;
  return { status: 201, value: policyObject(policy), headers: { location } };
}

/** `GET /v1/archive_policy/<name>` */
export async function getPolicy({ policies }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return { status: 200, value: policyObject(await policies.get(call.name())) };
}

/** `PATCH /v1/archive_policy/<name>` */
export async function changePolicy({ policies }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  const { name } = await policies.get(call.name());
  needAdmin(call.caller);
  const body = await call.body(CHANGE);
  const changed = await policies.change(name, definitionOf(body.definition), body.back_window);
  return { status: 200, value: policyObject(changed) };
}

/** `DELETE /v1/archive_policy/<name>` */
export async function deletePolicy({ policies }: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  needAdmin(call.caller);
  await policies.remove(call.name());
  return { status: 204 };
}

interface WrittenItem {
  readonly granularity: bigint | undefined;
  readonly points: number | undefined;
  readonly timespan: bigint | undefined;
}

function definitionOf(items: readonly WrittenItem[]): ArchivePolicyItem[] {
  try {
    return completeDefinition(
      items.map(({ granularity, points, timespan: span }) => ({
        granularityNs: granularity,
        points,
        timespanNs: span,
      })),
    );
  } catch (error) {
    if (error instanceof DefinitionError) throw new GnocchiError(400, error.message);
    throw error;
  }
}
