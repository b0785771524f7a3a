import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ArchiveReader } from '@quipu/archive';
import {
  createMetrics,
  measuresOfPoints,
  pointsOfMeasures,
  policyOf,
} from '../../../../test/support/archive/archive-fixture.js';
import { DirectArchive, type DirectMeasure } from '../../../../test/support/archive/direct-archive.js';
import { repository } from '../../../../test/support/index.js';
import { until } from '../../test/sample-job.js';
import { openTestMeasures, type TestMeasures } from '../../test/test-measures.js';

const SECOND = 1_000_000_000n;
/** Before and after a group, after it was loaded and stored, before it is committed. */
const FIRST_COMMIT = [1, 2, 3, 4, 5];
/** While jobs of the first are being acknowledged. */
const SECOND_COMMIT = [8, 10];
const BATCHES = 120;

/** Wide enough that no measure is too old, however they share passes. */
const policy = policyOf(
  [
    [1n * SECOND, null],
    [60n * SECOND, null],
  ],
  ['mean', 'std', 'count', '95pct', 'rate:mean'],
  1_000,
);

describe('a consumer of measures that is killed', () => {
  let stage: TestMeasures;

  beforeAll(async () => {
    stage = await openTestMeasures();
  });
  afterAll(() => stage.close());

  function child(env: Record<string, string> = {}): ChildProcess {
    const { database, services } = stage;
    const program = ['./tools/ts.mjs', 'test/int/measures-child.ts', database.url, services.url];
    return spawn(process.execPath, ['--no-warnings', '--import', ...program], {
      ...{ cwd: repository, env: { ...process.env, ...env } },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  async function killedBy(process: ChildProcess): Promise<void> {
    const [, signal] = (await once(process, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
  }

  it('at every one of its steps, and while it acknowledges, loses nothing and counts nothing twice', async () => {
    const ids = await createMetrics(stage.database.pool, policy, 3);
    const direct = new Map(ids.map((id) => [id, new DirectArchive(policy)]));
    const sent = new Map<string, DirectMeasure[]>(ids.map((id) => [id, []]));
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const measures = ids.map((id, metric): [string, DirectMeasure[]] => [
        id,
        // Some late, all at times of their own: which of them share a pass must not matter.
        [0, 1].map((n): DirectMeasure => {
          const at = BigInt((batch * 7) % BATCHES) * SECOND * 3n + BigInt(n * 500 + metric) * 1_000_000n;
          return [1_700_000_000n * SECOND + at, Math.sin(batch) * 1_000 + n];
        }),
      ]);
      for (const [id, of] of measures) sent.get(id)!.push(...of);
      await stage.post(new Map(measures.map(([id, of]) => [id, pointsOfMeasures(of)])));
    }
    for (const step of [...FIRST_COMMIT, ...SECOND_COMMIT]) {
      await killedBy(child({ QUIPU_KILL_AT_STEP: String(step) }));
    }
    for (const acknowledged of [1, 7]) await killedBy(child({ MEASURES_CHILD_JOBS: String(acknowledged) }));
    const left = await stage.queue.getJobs(['waiting', 'active']);
    expect(left.length).toBeGreaterThan(0);

    const survivor = child();
    await until(async () => (await stage.queue.getJobCountByTypes('waiting', 'active')) === 0);
    survivor.kill('SIGTERM');
    await once(survivor, 'exit');
    expect(await stage.queue.getJobCounts()).toMatchObject({ failed: 0, completed: 0, delayed: 0 });
    const reader = new ArchiveReader(stage.database.pool);
    for (const id of ids) {
      direct.get(id)!.pass(sent.get(id)!);
      for (const aggregation of policy.aggregationMethods) {
        const answer = await reader.measures({ id, policy }, { aggregation });
        if ('refused' in answer) throw new Error(answer.refused);
        for (const [i, { points }] of answer.series.entries()) {
          const expected = direct.get(id)!.series(aggregation, policy.definition.toReversed()[i]!);
          expect([aggregation, measuresOfPoints(points)]).toEqual([aggregation, expected]);
        }
      }
    }
    const { rows } = await stage.database.pool.query('SELECT count(*)::int AS batches FROM archive_batches');
    expect(rows[0].batches).toBe(BATCHES);
  }, 240_000);
});
