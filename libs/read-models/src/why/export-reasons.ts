import type { Scope } from '@quipu/access';
import { canonicalEvent } from '@quipu/contracts';
import { LogArchive } from '@quipu/event-log';
import type { Pool } from 'pg';
import { factsOf } from '../past/refold.js';
import { type DigestHead, logHead, proveBatches } from './digest-proof.js';
import { measureKind } from './measures.js';
import type { WhyItem, WhyWindow } from './why-item.js';
import { WhyQueries, type WhyQuery } from './why-queries.js';

/** What an export wrote. */
export interface ExportedReasons {
  readonly position: bigint;
  /** Level·milliseconds for the `_seconds` measures, else a count. */
  readonly total: bigint;
  readonly entities: number;
  readonly intervals: number;
  readonly events: number;
  readonly batches: number;
  readonly head: DigestHead;
}

/**
 * Writes a number with everything it is made of, so that whoever pays for it can compute it again without us
 * (tools/check.mjs): lines of JSON,
 * - `{"quipu-why":1, measure, filters, start, end, at, asOf, position}`: the question, instants as ISO 8601;
 * - `{"interval":{tenant, entity, life, start, end, from, to, height, estimated, amount}}`: what adds up; amounts are
 *   whole milliseconds times height for the `_seconds` measures, else counts;
 * - `{"position", "event"}`: every event of these entities that is a fact, as canonical JSON;
 * - `{"batch":{first, last, events, previous, digest, leaves:[[position, sha256]]}}`: the append of each of these
 *   events; of the other events of the append, which may be others', only their hashes;
 * - `{"end":{total, entities, intervals, events, batches, head}}`, so that a cut file is seen.
 *
 * @param write takes lines without their ends; it may make the export wait.
 * @param archive where archived parts of the log are.
 * @throws TenantForbiddenError if a filter lies outside the scope.
 */
export async function exportReasons(
  pool: Pool,
  scope: Scope,
  query: WhyQuery,
  write: (line: string) => Promise<void> | void,
  archive: LogArchive = new LogArchive(null),
): Promise<ExportedReasons> {
  const sum = { total: 0n, entities: 0, intervals: 0, events: 0, batches: 0 };
  const positions: number[] = [];
  const reasons = new WhyQueries(pool, archive);
  const { position } = await reasons.contributors(scope, query, {
    begin: async (window, at) => write(header(window, query.now, at)),
    take: async (contributors, snapshot, at) => {
      sum.entities += contributors.length;
      for (const item of contributors.flatMap(({ items }) => items)) {
        sum.intervals += 1;
        sum.total += item.amount;
        await write(intervalLine(item));
      }
      const keys = contributors.map(({ key }) => key);
      for await (const events of factsOf(snapshot, keys, at)) {
        for (const event of events) {
          positions.push(Number(event.position));
          sum.events += 1;
          await write(`{"position":"${event.position}","event":${canonicalEvent(event)}}`);
        }
      }
    },
  });
  // The log only grows: its digests need not be read in the snapshot, which would be held for as long.
  for await (const batch of proveBatches(pool, archive, positions)) {
    sum.batches += 1;
    await write(JSON.stringify({ batch }));
  }
  const head = await logHead(pool);
  await write(JSON.stringify({ end: { ...sum, total: String(sum.total), head } }));
  return { ...sum, position, head };
}

function header({ measure, filters, start, end, at }: WhyWindow, now: number, position: bigint): string {
  const instants =
    measureKind(measure).kind === 'integral' ? { start: iso(start), end: iso(end) } : { at: iso(at) };
  const about = { measure, filters, ...instants, asOf: iso(now), position: String(position) };
  return JSON.stringify({ 'quipu-why': 1, ...about });
}

function intervalLine(item: WhyItem): string {
  const { key, life, start, end, from, to, height, estimated, amount } = item;
  const times = { start: iso(start), end: iso(end), from: iso(from), to: iso(to) };
  const interval = { tenant: key.tenant, entity: key.id, life, ...times, height, estimated };
  return JSON.stringify({ interval: { ...interval, amount: String(amount) } });
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
