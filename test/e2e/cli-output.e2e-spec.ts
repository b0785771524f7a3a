import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { servicesRunning } from '@quipu/platform';
import { repository, testRedis, type TestRedis } from '../support/index.js';
import { removeDirectories, temporaryDirectory } from '../support/launcher.js';

const CLI = join(repository, 'dist/apps/cli/src/main.js');
const dataDir = temporaryDirectory(0o755, 'quipu-e2e-output-');
let redis: TestRedis;

/** Runs the built command line with a Postgres of its own, its answer sent to where a shell says. */
function quipu(where: string, ...args: string[]): { status: number | null; out: string; err: string } {
  const command = ['-c', `"$@" ${where}`, 'sh', process.execPath, '--no-warnings', CLI, ...args];
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, QUIPU_DATA_DIR: dataDir, REDIS_URL: redis.url };
  const { status, stdout, stderr } = spawnSync('sh', command, { env, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

beforeAll(async () => {
  if (!existsSync(CLI))
    throw new Error('Build first: these tests drive the built command line (npm run build).');
  redis = await testRedis();
});

afterAll(async () => {
  await removeDirectories();
  await redis.release();
}, 60_000);

describe('a command on a machine where nothing runs', () => {
  it('that nobody reads any more ends, and the Postgres that it started with it', () => {
    const { status, out, err } = quipu('| head -n 1', 'status', '--watch', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ log: { position: '0' } });
    expect(err).toMatch(/^Starting Postgres for the time of this command.*\n$/);
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
  }, 120_000);

  (existsSync('/dev/full') ? it : it.skip)(
    'whose answer has no room is told to have failed, without a stack',
    () => {
      const { status, err } = quipu('> /dev/full', 'status');
      expect(status).toBe(1);
      expect(err).toMatch(/\nquipu: The answer could not be written: ENOSPC.*\n$/);
      expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
    },
    120_000,
  );
});
