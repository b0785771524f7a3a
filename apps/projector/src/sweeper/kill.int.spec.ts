import { jest } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { repository } from '../../../../test/support/index.js';
import { until } from '../../test/sample-job.js';
import { SweeperRig } from '../../../../test/int/sweeper-rig.js';

jest.setTimeout(120_000);

/** Short, and yet longer than a busy machine keeps a worker's heartbeats from the log. */
const LEASE_MS = 2_000;
const STALE_MS = 500;
/** Every step of a sweep that finds somebody lost, in their order. */
const STEPS = ['look', 'read', 'write', 'judge', 'report'].flatMap((what) => [
  ...[`sweeper.${what}:before`, `sweeper.${what}:after`],
]);

describe('a sweeper that is killed or stopped', () => {
  let rig: SweeperRig;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    rig = await SweeperRig.open();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => rig.close());

  /** A process that is there and begins when it is told to. */
  function child(env: Record<string, string> = {}, staleMs?: number): ChildProcess {
    const { database, services } = rig.services;
    const args = ['test/int/sweeper-child.ts', database.url, services.url, String(LEASE_MS)];
    if (staleMs !== undefined) args.push(String(staleMs));
    const made = spawn(process.execPath, ['--no-warnings', '--import', './tools/ts.mjs', ...args], {
      ...{ cwd: repository, env: { ...process.env, ...env }, stdio: ['pipe', 'ignore', 'inherit'] },
    });
    children.push(made);
    return made;
  }

  const begin = (made: ChildProcess) => void made.stdin!.end('go\n');

  /** A worker that falls silent with two runs at hand. */
  async function mourn(worker: string): Promise<void> {
    await rig.join(worker, 'a');
    for (const tenant of ['acme', 'globex']) await rig.begin(tenant, `q/${worker}`, worker);
  }

  /** What was said of workers of these names and of their jobs. */
  const named = async (prefix: string) =>
    (await rig.swept()).filter(({ subject }) => subject.split('/').at(-1)!.startsWith(prefix));

  it('at every one of its steps says all that is to be said, and says it once', async () => {
    // All of them get ready at once.
    const killed = STEPS.map((step) => child({ QUIPU_KILL_AT_STEP: step }));
    const survivor = child();
    await rig.join('alive', 'b');
    rig.beat('alive', 'b', 100);
    for (const [n] of STEPS.entries()) await mourn(`dead-${n}`);
    const kill = async (one: ChildProcess) => {
      const ended = once(one, 'exit');
      begin(one);
      expect(await ended).toEqual([null, 'SIGKILL']);
    };
    // One of them is elected at a time; all but the last are killed before they have said anything.
    await Promise.all(killed.slice(0, -1).map(kill));
    await kill(killed.at(-1)!);
    begin(survivor);
    await until(async () => (await rig.lost()).length >= STEPS.length);
    await rig.settled();
    survivor.kill('SIGTERM');
    await once(survivor, 'exit');

    const said = await named('');
    const texts = said.map(({ type, tenant, subject }) => `${type} ${tenant} ${subject}`).sort();
    const expected = STEPS.flatMap((_, n) => [
      ...['acme', 'globex'].map((tenant) => `job.aborted ${tenant} job/q/dead-${n}`),
      `worker.lost superadmin worker/dead-${n}`,
    ]);
    expect(texts).toEqual(expected.sort());
    const { rowCount } = await rig.services.database.pool.query('SELECT FROM dead_letters');
    expect(rowCount).toBe(0);
    expect((await rig.job('acme', 'q/dead-0')).status).toBe('aborted');
  });

  it('goes on later without speaking of what was: its judgement has grown stale', async () => {
    await rig.join('stopped', 'c');
    await rig.begin('acme', 'q/stopped', 'stopped');
    const zombie = child({ QUIPU_STOP_AT_STEP: 'sweeper.judge:after' }, STALE_MS);
    begin(zombie);
    await until(() => isStopped(zombie));
    const stoppedAt = Date.now();
    rig.beat('stopped', 'c', 100);
    await until(() => Date.now() - stoppedAt > STALE_MS + 100);
    zombie.kill('SIGCONT');
    const { pool } = rig.services.database;
    const before = await rig.log.head();
    // It sweeps again once it has read what was said meanwhile.
    await until(async () => {
      const { rows } = await pool.query<{ position: string }>('SELECT position FROM sweeper_state');
      return BigInt(rows[0]!.position) > before.position;
    });
    expect(await named('stopped')).toEqual([]);
    expect((await rig.job('acme', 'q/stopped')).status).toBe('running');
  });
});

/** Whether a process was stopped by a signal. */
async function isStopped(child: ChildProcess): Promise<boolean> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}
