import {
  AGGREGATION_METHODS,
  ArchivePolicies,
  type ArchivePolicy,
  ArchiveReader,
  DEFAULT_METHODS,
  type MeasuresBatch,
  MeasuresWriter,
} from '@quipu/archive';
import { createLogger, type IoSteps, systemClock } from '@quipu/platform';
import { seededRandom } from '../crash/support/seeded-random.js';
import { batchOf, createMetrics, measuresOfPoints, policyOf } from '../support/archive/archive-fixture.js';
import { DirectArchive, type DirectMeasure } from '../support/archive/direct-archive.js';
import { testDatabase, type TestDatabase } from '../support/index.js';

const SECOND = 1_000_000_000n;
const MS = 1_000_000n;

/**
 * What is tried: granularities that divide each other and some that do not, short and long series, few and all methods;
 * how far measures are apart, and the back windows that the policy is given on the way.
 */
const POLICIES: readonly (readonly [string, ArchivePolicy, bigint, readonly number[]])[] = [
  [
    'every method, two granularities',
    policyOf([[60n * SECOND, 100], [3_600n * SECOND, null]], AGGREGATION_METHODS, 1), // prettier-ignore
    20n * SECOND,
    [],
  ],
  [
    'granularities that do not divide each other',
    policyOf([[7n * SECOND, 2_000], [60n * SECOND, 5], [3_600n * MS, 40]], [...DEFAULT_METHODS, 'rate:mean', 'last']), // prettier-ignore
    3n * SECOND,
    [],
  ],
  ['fractions of a second', policyOf([[100n * MS, null], [300n * MS, 50]], ['mean', 'std', 'rate:std', '90pct'], 200), 30n * MS, []], // prettier-ignore
  ['a long tail', policyOf([[1n * SECOND, 9_000]], DEFAULT_METHODS, 600), 1n * SECOND, []],
  ['a window made wider and narrower', policyOf([[2n * SECOND, 3_000], [7n * SECOND, null]], ['mean', 'count', 'rate:last'], 0), 1n * SECOND, [0, 3, 50]], // prettier-ignore
];

describe('aggregates of random measures', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it.each(POLICIES)(
    'equal a direct computation, bit by bit: %s',
    async (_, policy, step, backWindows) => {
      await tryPolicy(database, policy, step, backWindows);
      const { rows } = await database.pool.query(
        `SELECT count(*)::int AS splits FROM archive_splits JOIN archive_metrics ON id = metric_id
         WHERE archive_policy_name = $1`,
        [policy.name],
      );
      expect(rows[0].splits).toBeGreaterThan(0);
    },
    60_000,
  );
});

async function tryPolicy(
  database: TestDatabase,
  policy: ArchivePolicy,
  step: bigint,
  backWindows: readonly number[],
): Promise<void> {
  const random = seededRandom(20_261_120);
  const killer = new Killer(random);
  const writer = new MeasuresWriter({
    ...{ pool: database.pool, clock: systemClock, logger: createLogger('test', 'silent'), io: killer },
  });
  const ids = await createMetrics(database.pool, policy, 2);
  const direct = new Map(ids.map((id) => [id, new DirectArchive(policy)]));
  const cursor = { now: 1_700_000_000n * SECOND };
  for (let pass = 0; pass < 25; pass += 1) {
    const batches = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      randomBatch(random, ids, step, cursor),
    );
    await applyDespiteKills(writer, batches.map(({ batch }) => batch)); // prettier-ignore
    for (const id of ids) direct.get(id)!.pass(batches.flatMap(({ measures }) => measures.get(id) ?? []));
    if (pass % 4 === 3 && backWindows.length > 0) {
      const backWindow = backWindows[Math.floor(random() * backWindows.length)]!;
      await new ArchivePolicies(database.pool).change(policy.name, policy.definition, backWindow);
      for (const each of direct.values()) each.policy = { ...policy, backWindow };
    }
  }
  expect(killer.kills).toBeGreaterThan(0);
  await expectEqual(database, policy, direct);
}

/** Kills some of the tries: before the commit nothing may be left, after it nothing may count twice. */
async function applyDespiteKills(writer: MeasuresWriter, batches: readonly MeasuresBatch[]): Promise<void> {
  for (;;) {
    try {
      await writer.apply(batches);
      return;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }
}

async function expectEqual(
  { pool }: TestDatabase,
  policy: ArchivePolicy,
  direct: ReadonlyMap<string, DirectArchive>,
): Promise<void> {
  const reader = new ArchiveReader(pool);
  for (const [id, expected] of direct) {
    for (const aggregation of policy.aggregationMethods) {
      const answer = await reader.measures({ id, policy }, { aggregation });
      if ('refused' in answer) throw new Error(answer.refused);
      for (const { granularity, points } of answer.series) {
        const definition = policy.definition.find(({ granularityNs }) => granularityNs === granularity)!;
        const found = measuresOfPoints(points);
        // Object.is below: NaN is NaN, and the last bit counts.
        expect([aggregation, granularity, found]).toEqual([aggregation, granularity, expected.series(aggregation, definition)]); // prettier-ignore
      }
      expect(answer.series).toHaveLength(policy.definition.length);
    }
    const { rows } = await pool.query('SELECT late::int FROM archive_series WHERE metric_id = $1', [id]);
    expect(rows).toEqual([{ late: expected.late }]);
  }
}

/** Measures in and out of order, some of them again, some long past; thin and thick. */
function randomBatch(
  random: () => number,
  ids: readonly string[],
  step: bigint,
  cursor: { now: bigint },
): { batch: MeasuresBatch; measures: Map<string, DirectMeasure[]> } {
  const measures = new Map<string, DirectMeasure[]>();
  const thick = random() < 0.25;
  for (const id of ids) {
    if (random() < 0.2) continue;
    const size = thick ? Math.floor(random() * 200) : 1 + Math.floor(random() * 3);
    const of = Array.from({ length: size }, (_, i): DirectMeasure => {
      const drift = random() < 0.15 ? -BigInt(Math.floor(random() * 400)) : BigInt(i);
      const jitter = random() < 0.5 ? 0n : BigInt(Math.floor(random() * Number(step)));
      return [cursor.now + step * drift + jitter, randomValue(random)];
    });
    measures.set(id, of);
  }
  cursor.now += step * BigInt(thick ? 200 : 1 + Math.floor(random() * 5));
  if (random() < 0.05) cursor.now += step * 3_000n;
  return { batch: batchOf(measures), measures };
}

function randomValue(random: () => number): number {
  const kind = random();
  if (kind < 0.01) return NaN;
  if (kind < 0.02) return random() < 0.5 ? Infinity : -Infinity;
  if (kind < 0.3) return Math.floor(random() * 100) - 50;
  return (random() - 0.5) * 10 ** Math.floor(random() * 12);
}

class Killed extends Error {}

class Killer implements IoSteps {
  kills = 0;

  constructor(private readonly random: () => number) {}

  step(): void {
    if (this.random() > 0.06) return;
    this.kills += 1;
    throw new Killed();
  }
}
