import type { Scope } from '@quipu/access';
import type { StoredEvent } from '@quipu/contracts';
import { LogArchive } from '@quipu/event-log';
import {
  type EntityKey,
  type JobFields,
  type JobState,
  type JobStatus,
  jobTimeline,
  KIND_CODES,
  LEDGER_PROJECTION,
  type NodeState,
  nodeTimeline,
} from '@quipu/ledger';
import type { Pool } from 'pg';
import { EVENT_COLUMNS, type EventRow, eventOf } from '../past/event-row.js';
import { inLedgerSnapshot, type LedgerSnapshot } from '../past/ledger-snapshot.js';
import { readSkips } from '../past/skips.js';

/** Fields an interval or an entity is accounted under, by the names that events give them. */
export type EntityFields = Readonly<Record<string, unknown>>;

/** One interval of an entity. Times in ms; `end` is null while nothing has closed it. */
export interface EntityInterval {
  /** What the entity did: a node is held, a job waits or runs. */
  readonly level: 'nodes' | 'waiting' | 'running';
  /** The attempt of a job, the life of a node ('' for the nameless one). */
  readonly life: string;
  readonly start: number;
  readonly end: number | null;
  /** The end is an estimate: the first sign of a higher attempt, or the last one of its worker. */
  readonly estimated: boolean;
  readonly fields: EntityFields;
}

/** An event of an entity's timeline. */
export interface TimelineEvent {
  readonly event: StoredEvent;
  /** An operator had the projection skip it: it is in the log and in no number. */
  readonly skipped: boolean;
}

/** What is known about a job or a node. */
export interface EntityAnswer {
  readonly key: EntityKey;
  readonly position: bigint;
  /** Of a job: its status, null where its facts do not tell. Of a node: `allocated` or `released`. */
  readonly status: JobStatus | 'allocated' | 'released';
  /** Nobody told the status: the job counts as aborted since its worker was last heard of. */
  readonly estimated: boolean;
  /** Fields of the highest attempt, or of the latest interval. */
  readonly fields: EntityFields;
  /** In the order of their starts; the newest {@link MAX_INTERVALS}. */
  readonly intervals: EntityInterval[];
  /** How many older ones are left out. */
  readonly intervalsOmitted: number;
  /** A page of its events in the order of the log, and the position after which the next begins. */
  readonly events: TimelineEvent[];
  readonly next: bigint | null;
}

/** Which entity, and which page of its events. */
export interface EntityQuery {
  readonly tenant: string;
  readonly kind: 'job' | 'node';
  /** The whole subject, `job/…` or `node/…`. */
  readonly id: string;
  /** The page begins after this position. */
  readonly after: bigint;
  readonly limit: number;
}

/** Most intervals of an answer: a node that is taken and given back for years has many. */
export const MAX_INTERVALS = 1_000;

type Resolved = Pick<EntityAnswer, 'status' | 'estimated' | 'fields' | 'intervals'>;

/** Answers what became of one job or node. */
export class EntityQueries {
  /** @param archive where archived parts of the log are. */
  constructor(
    private readonly pool: Pool,
    private readonly archive: LogArchive = new LogArchive(null),
  ) {}

  /** The entity, or null if there is none inside the scope: which of the two, a caller must not learn. */
  async entity(scope: Scope, query: EntityQuery): Promise<EntityAnswer | null> {
    const { tenant, kind, id } = query;
    if (scope.tenant !== null && scope.tenant !== tenant) return null;
    const key: EntityKey = { tenant, kind, id };
    return inLedgerSnapshot(
      this.pool,
      async (snapshot) => {
        const state = await readState(snapshot, key);
        if (state === null) return null;
        const resolved =
          kind === 'job' ? resolveJob(state as JobState) : resolveNode(key, state as NodeState);
        if (scope.user !== null && !isOnly(scope.user, resolved)) return null;
        const { events, next } = await readEvents(snapshot, query);
        const { intervals } = resolved;
        const kept = intervals.slice(-MAX_INTERVALS);
        return {
          ...resolved,
          ...{ key, position: snapshot.position, events, next },
          ...{ intervals: kept, intervalsOmitted: intervals.length - kept.length },
        };
      },
      { archive: this.archive },
    );
  }
}

async function readState({ client, schema }: LedgerSnapshot, key: EntityKey): Promise<unknown> {
  if (schema === null) return null;
  const { rows } = await client.query<{ state: unknown }>(
    `SELECT state FROM ${schema}.entities WHERE tenant = $1 AND kind = $2 AND id = $3`,
    [key.tenant, KIND_CODES[key.kind], key.id],
  );
  return rows[0]?.state ?? null;
}

/** Up to the checkpoint: an event that is in no number yet would contradict the state beside it. */
const EVENTS = `
SELECT ${EVENT_COLUMNS}, EXISTS (
         SELECT FROM projection_skips s WHERE s.name = '${LEDGER_PROJECTION}' AND s.position = l.position) AS skipped
  FROM log l WHERE l.tenant = $1 AND l.subject = $2 AND l.position > $3::bigint AND l.position <= $4::bigint
 ORDER BY l.tenant, l.subject, l.position LIMIT $5`;

async function readEvents(
  snapshot: LedgerSnapshot,
  query: EntityQuery,
): Promise<{ events: TimelineEvent[]; next: bigint | null }> {
  const { client, position, archived } = snapshot;
  const { tenant, id, after, limit } = query;
  const found = archived.covers(after) ? await readArchived(snapshot, query) : [];
  if (found.length <= limit) {
    const { rows } = await client.query<EventRow & { skipped: boolean }>(EVENTS, [
      ...[tenant, id, String(archived.covers(after) ? archived.end - 1n : after), String(position)],
      limit + 1 - found.length,
    ]);
    found.push(...rows.map((row) => ({ event: eventOf(row), skipped: row.skipped })));
  }
  const events = found.slice(0, limit);
  const last = events.at(-1);
  return { events, next: found.length > limit && last !== undefined ? last.event.position : null };
}

async function readArchived(
  { client, position, archived }: LedgerSnapshot,
  { tenant, id, after }: EntityQuery,
): Promise<TimelineEvent[]> {
  const [events = []] = await archived.readEntities([{ tenant, subject: id }], position);
  const skips = await readSkips(client);
  return events
    .filter((event) => event.position > after)
    .map((event) => ({ event, skipped: skips.has(event.position) }));
}

function resolveJob(state: JobState): Resolved {
  const { status, estimated: guessed, attempts } = jobTimeline(state);
  const intervals = attempts.flatMap(({ attempt, fields, running, waiting, estimated }) => {
    const life = String(attempt);
    return [
      ...waiting.map((wait): EntityInterval => ({
        ...{ level: 'waiting', life, ...wait },
        ...{ estimated: false, fields: written(fields) },
      })),
      ...running.map(({ start, end, fields: own }, place): EntityInterval => ({
        ...{ level: 'running', life, start, end },
        ...{ estimated: estimated && place === running.length - 1, fields: written(own) },
      })),
    ];
  });
  const fields = written(attempts.at(-1)?.fields ?? {});
  return { status, estimated: guessed, fields, intervals: inOrder(intervals) };
}

function resolveNode(key: EntityKey, state: NodeState): Resolved {
  const intervals = inOrder(
    nodeTimeline(key, state).flatMap((life) =>
      life.intervals.map(({ start, end, fields }): EntityInterval => ({
        ...{ level: 'nodes', life: life.life, start, end },
        ...{ estimated: false, fields: { ...fields } },
      })),
    ),
  );
  const held = intervals.some(({ end }) => end === null);
  return {
    status: held ? 'allocated' : 'released',
    estimated: false,
    fields: intervals.at(-1)?.fields ?? {},
    intervals,
  };
}

function written(fields: JobFields): EntityFields {
  const { delayUntil, ...others } = fields;
  return delayUntil === undefined ? others : { ...others, delayUntil: new Date(delayUntil).toISOString() };
}

function inOrder(intervals: EntityInterval[]): EntityInterval[] {
  return intervals.sort((a, b) => a.start - b.start || (a.end ?? Infinity) - (b.end ?? Infinity));
}

/** Whether everything about the entity is this user's: what passed through other hands shows theirs as well. */
function isOnly(user: string, { fields, intervals }: Resolved): boolean {
  return fields['user'] === user && intervals.every((interval) => interval.fields['user'] === user);
}
