import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LogEvent } from '@quipu/contracts';
import { createPool } from '@quipu/platform';
import { READER_SESSION, UsageQueries, WhyQueries } from '@quipu/read-models';
import { openInput } from '../../apps/cli/src/import/input.js';
import { swfSource } from '../../apps/cli/src/import/swf-source.js';
import { repository } from '../support/index.js';
import { LedgerRig } from './ledger-rig.js';
import { platform } from './questions.js';

const QUESTIONS = 200;
const MEASURES = { node_seconds: 'nodes', waiting_seconds: 'waiting', running_seconds: 'running' } as const;
/**
 * How many of the questions name one. Without a user a question reads every job, and says no more about the filters: it
 * is asked often enough, and not half of the time.
 */
const SHARES = { user: 0.8, queue: 0.5, cluster: 0.5 } as const;
const TRACES = join(repository, '../shared/traces');

/** Numbers in [0, 1) that are the same in every run. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The events of a workload, in the order of its jobs. */
async function eventsOf(file: string): Promise<LogEvent[]> {
  const input = await openInput(file);
  const events: LogEvent[] = [];
  const source = swfSource(input.chunks, { tenantBy: 'group', nowMs: Date.now() });
  for await (const batch of source.batches) events.push(...batch.events);
  return events;
}

describe('reasons add up to usage', () => {
  let rig: LedgerRig;
  beforeAll(async () => {
    rig = await LedgerRig.open();
  });
  afterAll(() => rig.close());

  for (const [name, file] of [
    ['a small workload', join(repository, 'test/fixtures/swf/small.swf')],
    ['the trace of NASA', join(TRACES, 'NASA-iPSC-1993-3.1-cln.swf.gz')],
    ['the trace of HPC2N', join(TRACES, 'HPC2N-2002-excerpt.swf.gz')],
  ] as const) {
    // The traces are beside the repository, or not: a checkout alone must pass.
    const there = existsSync(file);
    (there ? it : it.skip)(
      `for ${QUESTIONS} random filters and windows on ${name}`,
      async () => {
        const events = await eventsOf(file);
        const appends = Array.from({ length: Math.ceil(events.length / 2_000) }, (_, i) => ({
          events: events.slice(i * 2_000, (i + 1) * 2_000),
          before: 'nothing' as const,
        }));
        await rig.play({ appends, maxEvents: 2_000 });
        // The tables were filled within seconds: nothing has told the planner, and old versions of rows are in the way.
        await rig.database.pool.query('VACUUM (ANALYZE)');
        await expectAgreement(rig, events);
      },
      900_000,
    );
  }
});

async function expectAgreement(rig: LedgerRig, events: readonly LogEvent[]): Promise<void> {
  // As the API asks: with the session settings that the queries are written for.
  const pool = createPool(rig.database.url, { session: READER_SESSION });
  const usages = new UsageQueries(pool);
  const reasons = new WhyQueries(pool);
  const random = randomness(42);
  const pick = (): LogEvent => events[Math.floor(random() * events.length)]!;
  const times = events.map(({ time }) => time).sort((a, b) => a - b);
  const first = times[0]!;
  const last = times.at(-1)!;
  let measured = 0;
  for (let i = 0; i < QUESTIONS; i += 1) {
    const measure = Object.keys(MEASURES)[i % 3] as keyof typeof MEASURES;
    const event = pick();
    const filters: Record<string, string> = {};
    if (random() < 0.5) filters['tenant'] = event.tenant;
    for (const name of Object.keys(SHARES) as (keyof typeof SHARES)[]) {
      const value = event.data[name];
      if (typeof value === 'string' && random() < SHARES[name]) filters[name] = value;
    }
    const [start, end] = [random(), random()]
      .sort()
      .map((share) => Math.round(first + share * (last - first)));
    const window = { filters, now: last + 1000, end: end!, ...(random() < 0.1 ? {} : { start: start! }) };
    const usage = await usages.usage(platform, { level: MEASURES[measure], ...window });
    const why = await reasons.why(platform, { measure, ...window, limit: 10 });
    const about = JSON.stringify([measure, window]);
    expect([about, why.position, why.total]).toEqual([about, usage.position, usage.rows[0]?.total ?? 0n]);
    if (why.total > 0n) measured += 1;
  }
  await pool.end();
  // Questions about nothing agree easily: most must be about something.
  expect(measured).toBeGreaterThan(QUESTIONS / 3);
}
