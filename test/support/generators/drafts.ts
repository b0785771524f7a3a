import { catalogue, type EventType, type LogEvent } from '@quipu/contracts';
import fc from 'fast-check';

/** An event before it is told whose it is. */
export interface Draft {
  readonly type: EventType;
  /** ms since the epoch */
  readonly time: number;
  readonly source: string;
  readonly sequence?: string;
  /** Version of the data; the newest of its type by default. */
  readonly dataversion?: number;
  readonly data: Record<string, unknown>;
}

/** All drafts about one subject of one tenant. */
export interface EntityDraft {
  readonly tenant: string;
  readonly subject: string;
  readonly drafts: readonly Draft[];
}

/** Ten seconds before a leap day ends: a quarter-hour, a day and a month turn within the hour. */
export const EPOCH = Date.UTC(2024, 1, 29, 23, 59, 50);
/** Close to the first instant that {@link instant} gives: buckets before 1970 must round down as well. */
export const FIRST = Date.UTC(1969, 2, 1);
/** About the last instant that {@link instant} gives. */
export const LAST = EPOCH + 70 * 86_400_000;

const QUARTER = 900_000;
const DAY = 86_400_000;

/**
 * Instants that collide: a few milliseconds around the turn of a quarter-hour, a day or a month, so that
 * ties, edges on bucket borders and zero lengths are common. Some lie before 1970.
 */
export const instant: fc.Arbitrary<number> = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(EPOCH) },
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 4 }).map((n) => EPOCH + 10_000 + n * QUARTER) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 69 }).map((n) => EPOCH + 10_000 + n * DAY) },
      { weight: 1, arbitrary: fc.constantFrom(FIRST, FIRST + 1 + 300 * DAY) },
    ),
    fc.integer({ min: -1, max: 8 }),
  )
  .map(([base, ms]) => base + ms);

/** Reporters; two of them sort differently by UTF-16 code unit and by code point. */
const source = fc.constantFrom('w1', 'w2', '\u{1F9F6}', '\uFF5E');
const sequence = fc.option(fc.constantFrom('1', '10', '2', '\uFF5E'), { nil: undefined, freq: 3 });

/** A field that facts carry `times` as often as not. */
export function maybe<T>(values: fc.Arbitrary<T>, times = 1): fc.Arbitrary<T | undefined> {
  return fc.option(values, { nil: undefined, freq: times + 1 });
}

/** A draft of a type, without the members that are undefined; its data may be of any version of the type. */
export function draft(
  type: fc.Arbitrary<EventType>,
  time: fc.Arbitrary<number>,
  data: fc.Arbitrary<Record<string, unknown>>,
): fc.Arbitrary<Draft> {
  return fc
    .record({ type, time, source, sequence, data, age })
    .map(({ sequence: told, age: versions, ...raw }) => ({
      ...raw,
      data: withoutAbsent(raw.data),
      dataversion: versionOf(raw.type, versions),
      ...(told === undefined ? {} : { sequence: told }),
    }));
}

/** How many versions the data are behind; the oldest there is when there are fewer. */
export const age = fc.constantFrom(0, 0, 0, 1, 2);

/** The version of a type that is `behind` the newest by so many, or the first. */
export function versionOf(type: EventType, behind: number): number {
  return Math.max(1, catalogue[type].version - behind);
}

/** The members that are not undefined. */
export function withoutAbsent(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** The time of an instant as events carry it in their data. */
export function moment(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Events of the drafts. Each gets an id of its own, which sorts otherwise than the drafts do, so that ties
 * are not decided by the order of generation.
 */
export function toEvents(entities: readonly EntityDraft[]): LogEvent[] {
  let count = 0;
  return entities.flatMap(({ tenant, subject, drafts }) =>
    drafts.map((each) => {
      count += 1;
      const id = `${((count * 7919) % 10_007).toString(36)}-${count}`;
      return { dataversion: versionOf(each.type, 0), ...each, tenant, subject, id };
    }),
  );
}
