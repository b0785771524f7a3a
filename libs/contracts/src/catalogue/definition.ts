import { z } from 'zod';

export { PLATFORM_TENANT } from '../brand.js';

/** Data as it stands in the log. */
export type Data = Record<string, unknown>;

/** A superseded version of a type's data: what it looked like, and how it becomes the next version. */
export interface PastVersion {
  schema: z.ZodType<Data>;
  /** Pure and total for whatever the schema accepts; must not change its argument. */
  toNext: (data: Data) => Data;
}

/** One type of event. */
export interface EventDefinition<S extends z.ZodObject = z.ZodObject> {
  /** Newest version of the data. */
  readonly version: number;
  /** Schema of the newest version. */
  readonly schema: S;
  /** Versions 1 to `version − 1`, in order. */
  readonly past: readonly PastVersion[];
  /** What the subject of its events begins with: `<kind>/`. */
  readonly subjectPrefix: string;
  /** Tenant when the event names none; without it, the event must. */
  readonly defaultTenant?: string;
  /** What the event says, in one sentence. */
  readonly summary: string;
}

/** How to define a type. */
interface DefinitionInput<S extends z.ZodRawShape> {
  /** Kind of entity: the part of the type before the dot. */
  kind: string;
  summary: string;
  fields: S;
  past?: readonly PastVersion[];
  defaultTenant?: string;
}

/**
 * Defines a type of event. Fields that it does not list are kept: stripping them would lose what the sender said.
 *
 * Therefore a field may be added only with a new version. An event in the log may carry that name already with any
 * value, valid as an unknown field; `toNext` of the version before decides what to make of it.
 */
export function define<S extends z.ZodRawShape>(input: DefinitionInput<S>) {
  const schema = z.looseObject(input.fields);
  const past = input.past ?? [];
  return {
    version: past.length + 1,
    schema,
    past,
    subjectPrefix: `${input.kind}/`,
    summary: input.summary,
    ...(input.defaultTenant === undefined ? {} : { defaultTenant: input.defaultTenant }),
  } satisfies EventDefinition;
}

/** Schema of one version of a type; undefined if it has no such version. */
export function schemaOf(definition: EventDefinition, version: number): z.ZodType<Data> | undefined {
  return version === definition.version ? definition.schema : definition.past[version - 1]?.schema;
}
