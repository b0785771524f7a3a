import type { ClientBase } from 'pg';
import type { Column } from '../aggregate/aggregate.js';
import type { ArchivePolicy } from '../policy/archive-policy.js';
import { NEW_SERIES, type PassResult, runPass, type SeriesState } from '../series/pass.js';
import { decodeRaw, encodeRaw } from '../series/raw-codec.js';
import { reseal, type SplitExpiry, type SplitWrite, type StoredColumns } from '../series/reseal.js';
import { decodeSplit, SPLIT_BUCKETS, splitOf } from '../series/split-codec.js';
import { decodeTail, encodeTail } from '../series/tail.js';
import { loadSplits, type SplitQuery, type SplitRow } from '../store/split-rows.js';
import type { SeriesRow, SeriesWrite } from '../store/series-rows.js';
import type { Instant, Points } from './points.js';

/** A metric, what is kept of it, and the chunks of points that came, in their order. */
export interface MetricWork {
  readonly id: string;
  readonly policy: ArchivePolicy;
  readonly row: SeriesRow | null;
  readonly chunks: readonly Points[];
}

/** What passes over some metrics come to. */
export interface DoneWork {
  readonly series: SeriesWrite[];
  readonly splits: (SplitWrite & { metricId: string })[];
  readonly expiries: (SplitExpiry & { metricId: string })[];
  readonly failures: { id: string; error: unknown }[];
  /** When the newest point was that a metric took, by metric. */
  readonly newest: Map<string, Instant>;
  taken: number;
  late: number;
}

interface Passed {
  readonly id: string;
  readonly result: PassResult;
}

/** Bytes of splits that are in memory at a time, as they take at most; those of one metric may be more. */
const PORTION_BYTES = 32 << 20;

/**
 * Runs a pass over each metric. Reads splits where buckets in them change, of some metrics at a time: what was done is
 * to be written before more is asked for. Writes nothing.
 */
export async function* workOn(client: ClientBase, work: readonly MetricWork[]): AsyncGenerator<DoneWork> {
  const failures: DoneWork['failures'] = [];
  const passed: Passed[] = [];
  for (const { id, policy, row, chunks } of work) {
    if (chunks.length === 0) continue;
    try {
      passed.push({ id, result: runPass(policy, stateOf(row), chunks) });
    } catch (error) {
      failures.push({ id, error });
    }
  }
  if (failures.length > 0) yield { ...nothingDone(), failures };
  for (const portion of portions(passed)) yield await finishAll(client, portion);
}

function nothingDone(): DoneWork {
  return { series: [], splits: [], expiries: [], failures: [], newest: new Map(), taken: 0, late: 0 };
}

async function finishAll(client: ClientBase, passed: readonly Passed[]): Promise<DoneWork> {
  const done = nothingDone();
  const queries: SplitQuery[] = passed.flatMap(({ id, result }) =>
    result.reseals.map(({ granularityNs, changedFrom }) => ({
      ...{ metricId: id, granularityNs, from: splitOf(changedFrom) },
    })),
  );
  const rows = await loadSplits(client, queries);
  let place = 0;
  for (const { id, result } of passed) {
    const of = result.reseals.map((_, i) => rows.get(place + i) ?? []);
    place += of.length;
    try {
      finish(done, id, result, of);
    } catch (error) {
      done.failures.push({ id, error });
    }
  }
  return done;
}

function* portions(passed: readonly Passed[]): Generator<Passed[]> {
  let portion: Passed[] = [];
  let bytes = 0;
  for (const each of passed) {
    const more = splitBytes(each.result);
    if (portion.length > 0 && bytes + more > PORTION_BYTES) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(each);
    bytes += more;
  }
  if (portion.length > 0) yield portion;
}

/** The most bytes that the splits of a pass can take. */
function splitBytes({ state, reseals }: PassResult): number {
  let bytes = 0;
  for (const { granularityNs, changedFrom } of reseals) {
    const part = state.tail.find((one) => one.granularityNs === granularityNs);
    for (const { newest } of part?.columns.values() ?? []) {
      bytes += (splitOf(newest) - splitOf(changedFrom) + 1) * SPLIT_BUCKETS * Float64Array.BYTES_PER_ELEMENT;
    }
  }
  return bytes;
}

/** Adds what a pass came to; nothing at all if a stored split cannot be read. */
function finish(
  done: DoneWork,
  id: string,
  { state, reseals, late, taken, newest }: PassResult,
  rows: readonly (readonly SplitRow[])[],
): void {
  let { tail } = state;
  const resealed = reseals.map((change, i) => {
    const moved = reseal(tail, change, columnsOf(rows[i] ?? []));
    tail = moved.tail;
    return moved;
  });
  done.series.push({ id, late, raw: encodeRaw(state.raw), tail: encodeTail(tail, state.openFrom) });
  for (const { writes, expiries } of resealed) {
    for (const write of writes) done.splits.push({ ...write, metricId: id });
    for (const expiry of expiries) done.expiries.push({ ...expiry, metricId: id });
  }
  if (newest !== null) done.newest.set(id, newest);
  done.taken += taken;
  done.late += late;
}

function columnsOf(rows: readonly SplitRow[]): StoredColumns {
  const columns = new Map<number, Column[]>();
  for (const { method, split, buckets } of rows) {
    const of = columns.get(method) ?? [];
    of.push(decodeSplit(split, buckets));
    columns.set(method, of);
  }
  return columns;
}

function stateOf(row: SeriesRow | null): SeriesState {
  return row === null ? NEW_SERIES : { raw: decodeRaw(row.raw), ...decodeTail(row.tail) };
}
