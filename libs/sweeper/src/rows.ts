import type { Ending } from './ending.js';
import { isInTouch, type Life, type Sign } from './life.js';

/** Columns of a life, in the order of {@link LifeRow}. */
export const LIFE_COLUMNS = `tenant, worker, life, since_ms, connected_ms, sign_ms, sign_source, sign_id, beats, ended_ms,
  lost_since_ms, lost_ms, heard_ms, retired`;

/** A stored life. */
export interface LifeRow {
  tenant: string;
  worker: string;
  life: string;
  since_ms: string;
  connected_ms: string | null;
  sign_ms: string | null;
  sign_source: string | null;
  sign_id: string | null;
  beats: boolean;
  ended_ms: string | null;
  lost_since_ms: string | null;
  lost_ms: string | null;
  heard_ms: string | null;
  retired: boolean;
}

/** The life of a row. */
export function lifeOf(row: LifeRow): Life {
  return {
    ...{ tenant: row.tenant, worker: row.worker, life: row.life, beats: row.beats, retired: row.retired },
    sinceMs: Number(row.since_ms),
    connectedMs: numberOf(row.connected_ms),
    sign: signOf(row.sign_ms, row.sign_source, row.sign_id),
    endedMs: numberOf(row.ended_ms),
    lostSinceMs: numberOf(row.lost_since_ms),
    lostMs: numberOf(row.lost_ms),
    heardMs: numberOf(row.heard_ms),
  };
}

/** A life as `jsonb_populate_recordset` takes it. */
export function lifeRow(life: Life): Record<string, unknown> {
  return {
    ...{
      tenant: life.tenant,
      worker: life.worker,
      life: life.life,
      beats: life.beats,
      retired: life.retired,
    },
    ...{ since_ms: life.sinceMs, connected_ms: life.connectedMs, ended_ms: life.endedMs },
    ...{ sign_ms: life.sign?.timeMs, sign_source: life.sign?.source, sign_id: life.sign?.id },
    ...{ lost_since_ms: life.lostSinceMs, lost_ms: life.lostMs, heard_ms: life.heardMs },
    in_touch: isInTouch(life),
  };
}

/** A stored ending. */
export interface EndingRow {
  job_tenant: string;
  job: string;
  attempt: number;
  tenant: string;
  worker: string;
  life: string;
  ended_ms: string;
  woken_ms: string | null;
  woken_source: string | null;
  woken_id: string | null;
}

/** The ending of a row. */
export function endingOf(row: EndingRow): Ending {
  return {
    ...{ jobTenant: row.job_tenant, job: row.job, attempt: row.attempt },
    ...{ tenant: row.tenant, worker: row.worker, life: row.life, endedMs: Number(row.ended_ms) },
    wokenBy: signOf(row.woken_ms, row.woken_source, row.woken_id),
  };
}

/** An ending as `jsonb_populate_recordset` takes it. */
export function endingRow(ending: Ending): Record<string, unknown> {
  const { jobTenant: job_tenant, job, attempt, tenant, worker, life, endedMs: ended_ms, wokenBy } = ending;
  return {
    ...{ job_tenant, job, attempt, tenant, worker, life, ended_ms },
    ...{ woken_ms: wokenBy?.timeMs, woken_source: wokenBy?.source, woken_id: wokenBy?.id },
  };
}

function numberOf(value: string | null): number | null {
  return value === null ? null : Number(value);
}

function signOf(timeMs: string | null, source: string | null, id: string | null): Sign | null {
  return timeMs === null ? null : { timeMs: Number(timeMs), source: source ?? '', id: id ?? '' };
}
