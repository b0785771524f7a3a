import { z } from 'zod';
import { catalogue, type EventType } from './catalogue/catalogue.js';
import type { EventDefinition } from './catalogue/definition.js';
import { docOf, type FieldDoc } from './catalogue/fields.js';

/** A field of a type's data, for people. */
export interface FieldDescription extends FieldDoc {
  name: string;
  required: boolean;
  /** Known fields of a group, or of the objects in a list. */
  fields?: FieldDescription[];
}

/** A type of event, for people. */
export interface EventDescription {
  type: EventType;
  /** Part of the type before the dot. */
  kind: string;
  version: number;
  summary: string;
  subjectPrefix: string;
  defaultTenant?: string;
  fields: FieldDescription[];
}

/** The object schema inside a field: of the field itself, what it wraps, or the elements of its list. */
function innerObject(schema: z.core.$ZodType): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema;
  if (schema instanceof z.ZodOptional) return innerObject(schema.unwrap());
  return schema instanceof z.ZodArray ? innerObject(schema.element) : undefined;
}

function describeFields(schema: z.ZodObject): FieldDescription[] {
  return Object.entries(schema.shape as z.ZodRawShape).map(([name, field]) => {
    const doc = docOf(field);
    if (doc === undefined) throw new Error(`Field ${name} of the catalogue has no description`);
    const inner = innerObject(field);
    return {
      name,
      required: !z.safeParse(field, undefined).success,
      ...doc,
      ...(inner === undefined ? {} : { fields: describeFields(inner) }),
    };
  });
}

/**
 * The catalogue as data for documentation, in its own order.
 *
 * @throws Error if a field of the catalogue has no description (a defect that a test catches).
 */
export function describeCatalogue(): EventDescription[] {
  return (Object.entries(catalogue) as [EventType, EventDefinition][]).map(([type, definition]) => ({
    type,
    kind: type.slice(0, type.indexOf('.')),
    version: definition.version,
    summary: definition.summary,
    subjectPrefix: definition.subjectPrefix,
    ...(definition.defaultTenant === undefined ? {} : { defaultTenant: definition.defaultTenant }),
    fields: describeFields(definition.schema),
  }));
}
