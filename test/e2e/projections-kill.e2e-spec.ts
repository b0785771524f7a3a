import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@quipu/platform';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector, type TestProjector } from '../int/cli/test-projector.js';
import { repository, testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

/** Steps of the build that are tried; those of the promotion are all tried. */
const TRIED = 6;

let database: TestDatabase;
let redis: TestRedis;
let projector: TestProjector;
let cli: TestCli;
let directory: string;

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  projector = await startTestProjector(database.url, redis.url);
  cli = testCli({ database: database.url, redis: redis.url }, systemClock);
  directory = mkdtempSync(join(tmpdir(), 'quipu-build-'));
  await cli.json('import', 'test/fixtures/swf/small.swf');
}, 60_000);

afterAll(async () => {
  rmSync(directory, { recursive: true });
  cli.close();
  await projector.stop();
  await redis.release();
  await database.drop();
});

/** Runs a build to its end, or to its death; answers with the signal that ended it. */
async function build(env: Record<string, string>): Promise<string | null> {
  const child = spawn(
    process.execPath,
    ['--no-warnings', '--import', './tools/ts.mjs', 'test/int/build-child.ts', database.url],
    { cwd: repository, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
}

const generations = async (): Promise<{ schema: string; status: string; position: string }[]> =>
  (await cli.json('projections')).generations;

describe('a build that is killed', () => {
  it('at any step leaves the live ledger alone, and is gone on with by the next one', async () => {
    const file = join(directory, 'steps');
    expect(await build({ QUIPU_COUNT_STEPS: file })).toBeNull();
    const labels = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[1]!);
    const promotion = labels.indexOf('generation.promote:before') + 1;
    // Folding and promoting run side by side: how many steps come before the promotion differs from run to run.
    expect(promotion).toBeGreaterThan(0);
    const steps = Array.from({ length: TRIED }, (_, i) => 1 + Math.floor((i * labels.length) / TRIED / 2));
    const flips = ['generation.promote:before', 'generation.flip:before', 'generation.promote:after'];
    for (const at of [...steps.map(String), ...flips]) {
      const before = await cli.json('usage', '--by', 'tenant');
      const liveBefore = (await generations()).find(({ status }) => status === 'live')!.schema;
      expect(await build({ QUIPU_KILL_AT_STEP: at })).toBe('SIGKILL');
      const live = (await generations()).filter(({ status }) => status === 'live');
      expect(live).toMatchObject([{ position: '357' }]);
      expect((await cli.json('usage', '--by', 'tenant')).rows).toEqual(before.rows);
      const { schema } = live[0]!;
      // What was promoted is live although its builder died; what was not is finished, under the same name.
      const building = (await generations()).find(({ status }) => status === 'building');
      // At every step: either it took the live one's place, or it is still there to be finished.
      expect(building === undefined).toBe(schema !== liveBefore);
      if (flips.includes(at)) expect(building === undefined).toBe(at === 'generation.promote:after');
      if (building !== undefined) {
        expect(building.schema).not.toBe(schema);
        expect(await cli.json('projections', 'promote')).toMatchObject({ schema: building.schema });
      }
      for (const left of await generations()) {
        if (left.status === 'retired') await cli.json('projections', 'drop', left.schema);
      }
    }
    expect(await generations()).toHaveLength(1);
    expect(await cli.json('verify')).toMatchObject({ ok: true, redis: { compared: true } });
  }, 180_000);
});
