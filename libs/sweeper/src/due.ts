import { KIND_CODES, type LedgerSchema } from '@quipu/ledger';
import type { Ending } from './ending.js';
import type { SweeperClient } from './feed.js';
import type { WorkerRecord } from './judge.js';
import type { Life } from './life.js';
import { jobsHolding, openRunOf } from './open-runs.js';
import { endingOf, type EndingRow, LIFE_COLUMNS, lifeOf, type LifeRow } from './rows.js';
import { WORKER_PREFIX } from './selection.js';

/** Jobs that are looked at, per worker of a page: who judges for longer judges what was. */
const JOBS_PER_WORKER = 25;
const DAY_MS = 86_400_000;
/** Attempts that are woken at once, per worker of a page. */
const WAKINGS_PER_WORKER = 10;

/** A place among workers, in the order in which they are looked at. */
export interface WorkerPlace {
  /** When the log last recorded a sign of the life that is due, ms; '0' where that is not asked for. */
  readonly heardMs: string;
  readonly tenant: string;
  readonly worker: string;
}

/** A place among endings, in the order in which they are woken. */
export type EndingPlace = readonly [
  ...[wokenMs: string, jobTenant: string, job: string, attempt: number],
  ...[tenant: string, worker: string, life: string],
];

/** What part of those that something is to be said of is read. */
export interface Page<P> {
  /** From which on; null: from the first. */
  readonly after: P | null;
  /** Workers that are looked at once, at most; one at least. */
  readonly most: number;
}

/**
 * A part of those that something is to be said of, and where to read on: null when these were the last. Who stays there
 * whatever is said of it, since the log does not take that, keeps nobody behind it from its turn.
 */
export interface Found<T, P> {
  readonly found: T[];
  readonly next: P | null;
}

const DUE = `
SELECT heard_ms, tenant, worker FROM sweeper_lives
 WHERE in_touch AND beats AND heard_ms <= $1 AND (heard_ms, tenant, worker) > ($2, $3, $4)
 ORDER BY heard_ms, tenant, worker LIMIT $5`;

/**
 * Workers of which a life was lost lately and that hold jobs all the same. Without the collations of the entities' own
 * columns all entities would be looked at.
 */
const LEFT = (ledger: LedgerSchema) => `
SELECT DISTINCT '0' AS heard_ms, l.tenant, l.worker FROM sweeper_lives l
  JOIN ${ledger}.entities e
    ON e.tenant = l.tenant COLLATE "default" AND e.kind = ${KIND_CODES.worker}
   AND e.id = ('${WORKER_PREFIX}' || l.worker) COLLATE "default"
 WHERE NOT l.in_touch AND NOT l.retired AND l.lost_ms IS NOT NULL AND l.heard_ms BETWEEN $1 AND $2
   AND json_array_length(e.state -> 'holds') > 0 AND (l.tenant, l.worker) > ($3, $4)
 ORDER BY l.tenant, l.worker LIMIT $5`;

const LIVES = `
SELECT ${LIFE_COLUMNS} FROM sweeper_lives
  JOIN unnest($1::text[], $2::text[]) AS named (tenant, worker) USING (tenant, worker)`;

const WORKER_STATES = (ledger: LedgerSchema) => `
SELECT e.tenant, e.id, e.state FROM unnest($1::text[], $2::text[]) AS named (tenant, id)
  JOIN ${ledger}.entities e ON e.tenant = named.tenant AND e.kind = ${KIND_CODES.worker} AND e.id = named.id`;

const JOB_STATES = (ledger: LedgerSchema) => `
SELECT e.tenant, e.id, e.state, coalesce(log.recorded_ms, 0) AS recorded_ms
  FROM unnest($1::text[], $2::text[]) AS named (tenant, id)
  JOIN ${ledger}.entities e ON e.tenant = named.tenant AND e.kind = ${KIND_CODES.job} AND e.id = named.id
  LEFT JOIN log ON log.position = e.last_position`;

interface StateRow {
  tenant: string;
  id: string;
  state: unknown;
}

/**
 * The workers of which a life was last heard at `untilMs` or before, those first that are silent for longest, with all
 * their lives and open runs. Costs what is due, not what there is. Inside one snapshot with {@link readOutlook}.
 */
export async function readDue(
  client: SweeperClient,
  ledger: LedgerSchema,
  untilMs: number,
  { after, most }: Page<WorkerPlace>,
): Promise<Found<WorkerRecord, WorkerPlace>> {
  const { heardMs, tenant, worker } = after ?? { heardMs: '-1', tenant: '', worker: '' };
  const until = String(Math.floor(untilMs));
  const { rows } = await client.query<PlaceRow>(DUE, [until, heardMs, tenant, worker, most]);
  return recordsOf(client, ledger, rows, most);
}

/**
 * The workers that were lost within a day before `untilMs` and hold jobs all the same: a fact that came late opened a run
 * of theirs. To be asked now and then, since it looks at everybody who is lost.
 */
export async function readLeft(
  client: SweeperClient,
  ledger: LedgerSchema,
  untilMs: number,
  { after, most }: Page<WorkerPlace>,
): Promise<Found<WorkerRecord, WorkerPlace>> {
  const until = Math.floor(untilMs);
  const { tenant, worker } = after ?? { tenant: '', worker: '' };
  const within = [String(until - DAY_MS), String(until)];
  const { rows } = await client.query<PlaceRow>(LEFT(ledger), [...within, tenant, worker, most]);
  return recordsOf(client, ledger, rows, most);
}

interface PlaceRow {
  heard_ms: string;
  tenant: string;
  worker: string;
}

interface DueWorker {
  readonly place: WorkerPlace;
  readonly tenant: string;
  readonly worker: string;
  readonly lives: Life[];
  jobs: [tenant: string, subject: string][];
}

async function recordsOf(
  client: SweeperClient,
  ledger: LedgerSchema,
  rows: readonly PlaceRow[],
  most: number,
): Promise<Found<WorkerRecord, WorkerPlace>> {
  if (rows.length === 0) return { found: [], next: null };
  const places = rows.map(({ heard_ms: heardMs, tenant, worker }) => ({ heardMs, tenant, worker }));
  const workers = new Map<string, DueWorker>();
  for (const place of places) {
    const { tenant, worker } = place;
    const name = nameOf(tenant, `${WORKER_PREFIX}${worker}`);
    if (!workers.has(name)) workers.set(name, { place, tenant, worker, lives: [], jobs: [] });
  }
  const all = [...workers.values()];
  const tenants = all.map(({ tenant }) => tenant);
  const lives = await client.query<LifeRow>(LIVES, [tenants, all.map(({ worker }) => worker)]);
  for (const life of lives.rows.map(lifeOf)) {
    workers.get(nameOf(life.tenant, `${WORKER_PREFIX}${life.worker}`))!.lives.push(life);
  }
  const stored = await client.query<StateRow>(WORKER_STATES(ledger), [
    tenants,
    all.map(({ worker }) => `${WORKER_PREFIX}${worker}`),
  ]);
  for (const { tenant, id, state } of stored.rows) workers.get(nameOf(tenant, id))!.jobs = jobsHolding(state);
  const first = firstOf(all, most * JOBS_PER_WORKER);
  const next = first.length < all.length ? first.at(-1)!.place : rows.length < most ? null : places.at(-1)!;
  return { found: await readRuns(client, ledger, first), next };
}

/** As many workers as have not too many jobs together, but one at least. */
function firstOf(workers: readonly DueWorker[], mostJobs: number): DueWorker[] {
  let jobs = 0;
  return workers.filter((worker, i) => (jobs += worker.jobs.length) <= mostJobs || i === 0);
}

async function readRuns(
  client: SweeperClient,
  ledger: LedgerSchema,
  workers: readonly DueWorker[],
): Promise<WorkerRecord[]> {
  const jobs = workers.flatMap((worker) => worker.jobs);
  const states = new Map<string, StateRow & { recorded_ms: string }>();
  if (jobs.length > 0) {
    const { rows } = await client.query<StateRow & { recorded_ms: string }>(JOB_STATES(ledger), [
      jobs.map(([tenant]) => tenant),
      jobs.map(([, subject]) => subject),
    ]);
    for (const row of rows) states.set(nameOf(row.tenant, row.id), row);
  }
  return workers.map((on) => ({
    lives: on.lives,
    runs: on.jobs.flatMap(([tenant, subject]) => {
      const job = states.get(nameOf(tenant, subject));
      if (job === undefined) return [];
      return openRunOf(tenant, subject, job.state, Number(job.recorded_ms), on) ?? [];
    }),
  }));
}

/** Tenants have no line breaks. */
function nameOf(tenant: string, subject: string): string {
  return `${tenant}\n${subject}`;
}

const WOKEN = `
SELECT * FROM sweeper_endings
 WHERE woken_ms IS NOT NULL
   AND (woken_ms, job_tenant, job, attempt, tenant, worker, life) > ($1, $2, $3, $4, $5, $6, $7)
 ORDER BY woken_ms, job_tenant, job, attempt, tenant, worker, life LIMIT $8`;

const FIRST_ENDING: EndingPlace = [String(-(2n ** 63n)), '', '', 0, '', '', ''];

/** Attempts ended by estimate whose worker has given a sign of life since. */
export async function readWoken(
  client: SweeperClient,
  { after, most }: Page<EndingPlace>,
): Promise<Found<Ending, EndingPlace>> {
  const limit = most * WAKINGS_PER_WORKER;
  const { rows } = await client.query<EndingRow>(WOKEN, [...(after ?? FIRST_ENDING), limit]);
  const last = rows.length < limit ? undefined : rows.at(-1);
  return { found: rows.map(endingOf), next: last === undefined ? null : placeOf(last) };
}

function placeOf(row: EndingRow): EndingPlace {
  return [row.woken_ms!, row.job_tenant, row.job, row.attempt, row.tenant, row.worker, row.life];
}
