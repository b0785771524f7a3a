import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, createPool, startServices } from '@quipu/platform';
import { repository } from '../support/index.js';
import { removeDirectories, temporaryDirectory } from '../support/launcher.js';

const CLI = join(repository, 'dist/apps/cli/src/main.js');
const MINUTES = 60_000;

describe('the bench, at a small scale', () => {
  let dataDir: string;

  beforeAll(() => {
    if (!existsSync(CLI))
      throw new Error('Build first: these tests drive the built command line (npm run build).');
    dataDir = join(temporaryDirectory(), 'data');
  });

  afterAll(removeDirectories, MINUTES);

  function environment(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: process.env['HOME'], QUIPU_DATA_DIR: dataDir };
  }

  it.each([
    ['import', ['import', 'import', 'import', 'import', 'memory']],
    ['drain', ['drain']],
    ['http', ['http', 'http', 'http', 'http', 'memory']],
    ['why', ['why', 'why', 'why', 'why', 'why', 'why', 'memory']],
    ['rebuild', ['rebuild', 'memory']],
    ['restore', ['restore', 'restore', 'memory']],
    ['reporter', ['reporter', 'reporter', 'reporter', 'reporter']],
    ['scrape', [...Array<string>(14).fill('scrape'), 'memory']],
  ])(
    'measures %s against its reference',
    (only, names) => {
      const args = ['--no-warnings', CLI, 'bench', '--only', only, '--scale', '0.005', '--json'];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, {
        env: environment(),
        encoding: 'utf8',
      });
      // At this scale floors may be missed (3), which is for the bench to say and not for this test.
      expect({ ran: status === 0 || status === 3, stderr }).toEqual({ ran: true, stderr });
      const { rows } = JSON.parse(stdout);
      expect(rows.map((row: { bench: string }) => row.bench)).toEqual(names);
      for (const row of rows) {
        expect(row.ours).toBeGreaterThan(0);
        if (row.reference === null) continue;
        // More is better: of a rate ours over theirs, of a time theirs over ours.
        const better = row.unit === 'ms' ? row.reference / row.ours : row.ours / row.reference;
        expect(row.ratio / better).toBeCloseTo(1, 2);
      }
    },
    3 * MINUTES,
  );

  it(
    'leaves no database behind',
    async () => {
      const services = await startServices({ dataDir }, createLogger('test', 'silent'));
      const pool = createPool(services.databaseUrl, { max: 1 });
      const { rows } = await pool.query('SELECT datname FROM pg_database WHERE NOT datistemplate');
      await pool.end();
      await services.stop();
      expect(rows.filter(({ datname }) => String(datname).startsWith('quipu_bench_'))).toEqual([]);
      expect(rows.length).toBeGreaterThan(0);
    },
    1 * MINUTES,
  );
});
