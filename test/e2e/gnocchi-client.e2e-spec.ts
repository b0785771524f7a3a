import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closureEnvironment, debianClosure, type UnpackedClosure } from '../support/debian-closure.js';
import { testDatabase, testRedis } from '../support/index.js';
import { type GnocchiSystem, startGnocchiSystem } from './support/gnocchi-system.js';

const PYTHON = '/usr/bin/python3';
const SESSION = join(import.meta.dirname, '../gnocchi/session.py');
const REAL_SERVER = join(import.meta.dirname, '../gnocchi/real-server.py');
/** What Debian's server (Gnocchi 4.4.2) answered to the session. */
const ANSWERS = join(import.meta.dirname, '../fixtures/gnocchi/session.jsonl');

/** Steps that are answered otherwise than by Debian's server, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'delete policy in use':
    'its driver does not know how newer versions of Postgres word a broken reference: 500',
  'measures {"refresh": "maybe"}': 'later versions name the words that they accept',
  'resource batch flag': 'later versions name the words that they accept',
  'across no common width': 'later versions word it otherwise',
  'wrong resource {"id": 5}': 'it fails: 500',
};

type Step = readonly [name: string, answer: unknown];

const client: UnpackedClosure = existsSync(PYTHON)
  ? debianClosure('gnocchi-client', ['python3-gnocchiclient'])
  : { missing: `there is no ${PYTHON}` };
const wantsServer = process.env['QUIPU_TEST_GNOCCHI_SERVER'] === '1';
const server: UnpackedClosure = wantsServer
  ? debianClosure('gnocchi-server', ['python3-gnocchi', 'python3-gnocchiclient', 'python3-psycopg2'])
  : { missing: 'QUIPU_TEST_GNOCCHI_SERVER is not 1' };

/** A test that runs where its packages are; elsewhere its name says why it does not. */
function itNeeds(
  found: UnpackedClosure,
  name: string,
  work: (root: string) => Promise<void>,
  timeoutMs: number,
): void {
  if ('root' in found) it(name, () => work(found.root), timeoutMs);
  else it.skip(`${name} (skipped: ${found.missing})`, () => undefined);
}

describe('the real client of Gnocchi', () => {
  let system: GnocchiSystem;
  let base: string;
  const keys = { admin: '', jd: '' };

  beforeAll(async () => {
    system = await startGnocchiSystem();
    keys.admin = await system.principal('superadmin', 'admin', 'superadmin');
    keys.jd = await system.principal('superadmin', 'jd', 'user');
    base = await system.listen();
  }, 60_000);
  afterAll(() => system.stop());

  async function run(root: string, program: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const child = spawn(PYTHON, program, {
      env: { ...closureEnvironment(root), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, said] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${program.join(' ')} ended with ${code}: ${said.slice(-2000)}`);
    return out;
  }

  const steps = (text: string): Step[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Step);

  itNeeds(
    client,
    'gets from its library what the original answers',
    async (root) => {
      const ours = steps(await run(root, [SESSION, base, keys.admin, keys.jd]));
      const theirs = steps(readFileSync(ANSWERS, 'utf8'));
      expect(ours.map(([name]) => name)).toEqual(theirs.map(([name]) => name));
      const different = ours.filter(([, answer], i) => !sameAnswer(answer, theirs[i]![1]));
      expect(different.map(([name]) => name).sort()).toEqual(Object.keys(DIFFERENCES).sort());
    },
    180_000,
  );

  itNeeds(
    client,
    'does with its command what an introduction to it does',
    async (root) => {
      const gnocchi = (...args: string[]): Promise<string> =>
        run(root, [join(root, 'usr/bin/gnocchi'), ...args], {
          ...{ OS_AUTH_TYPE: 'gnocchi-basic', GNOCCHI_ENDPOINT: base },
          GNOCCHI_USER: `jd:${keys.jd}`,
        });
      const json = async (...args: string[]): Promise<Record<string, unknown>> =>
        JSON.parse(await gnocchi(...args, '-f', 'json')) as Record<string, unknown>;
      const made = await json('metric', 'create', '--archive-policy-name', 'high', 'my_metric');
      const id = String(made['id']);
      expect(made).toMatchObject({ name: 'my_metric', creator: 'jd', unit: null });
      expect(await json('metric', 'show', id)).toMatchObject({ id, 'archive_policy/name': 'high' });
      await gnocchi('measures', 'add', '-m', '2015-03-06T14:33:57@43.1', '-m', '2015-03-06T14:34:12@12', id);
      const measures = await gnocchi(
        'measures',
        'show',
        '--refresh',
        '--utc',
        '--granularity',
        '1',
        '-f',
        'csv',
        id,
      );
      expect(measures.split(/\r?\n/).slice(1, 3)).toEqual([
        '"2015-03-06T14:33:57+00:00",1.0,43.1',
        '"2015-03-06T14:34:12+00:00",1.0,12.0',
      ]);
      await gnocchi('metric', 'delete', id);
      await expect(gnocchi('metric', 'show', id)).rejects.toThrow(`Metric ${id} does not exist`);
      const status = await run(root, [join(root, 'usr/bin/gnocchi'), 'status', '-f', 'json'], {
        ...{ OS_AUTH_TYPE: 'gnocchi-basic', GNOCCHI_ENDPOINT: base, GNOCCHI_USER: `admin:${keys.admin}` },
      });
      expect(JSON.parse(status)).toHaveProperty(
        ['storage/total number of measures to process'],
        expect.any(Number),
      );
    },
    180_000,
  );

  itNeeds(
    server,
    'gets the same from the original server itself',
    async (root) => {
      const database = await testDatabase({ migrated: false });
      const redis = await testRedis();
      const directory = mkdtempSync(join(tmpdir(), 'gnocchi-'));
      const url = database.url.replace(/^postgres:/, 'postgresql:');
      const child = spawn(PYTHON, [REAL_SERVER, url, redis.url, directory], {
        env: closureEnvironment(root),
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const port = await firstLine(child);
        const theirs = steps(await run(root, [SESSION, `http://127.0.0.1:${port}`, 'any', 'any']));
        const frozen = steps(readFileSync(ANSWERS, 'utf8'));
        const different = theirs.filter(
          ([name, answer], i) => !Object.hasOwn(DIFFERENCES, name) && !sameAnswer(answer, frozen[i]![1]),
        );
        expect(different).toEqual([]);
      } finally {
        child.kill('SIGKILL');
        await redis.release();
        await database.drop();
        rmSync(directory, { recursive: true, force: true });
      }
    },
    300_000,
  );
});

function sameAnswer(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    if (text.includes('\n')) return text.trim();
  }
  throw new Error('the original server ended before it served');
}
