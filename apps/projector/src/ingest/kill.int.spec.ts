import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { EventLog } from '@quipu/event-log';
import { sampleCloudEvent, until } from '../../test/sample-job.js';
import { openTestQueue, type TestQueue } from '../../test/test-queue.js';
import { repository } from '../../../../test/support/index.js';

const ALL = { maxEvents: 100_000, maxBytes: 1 << 30 };
/** Before and after the tenants are asked for, before and after the append. */
const STEPS_PER_COMMIT = 4;
/** More than the first two commits of every run can take. */
const BATCHES = 160;

describe('an ingest that is killed', () => {
  let database: TestQueue['database'];
  let services: TestQueue['services'];
  let queue: TestQueue['queue'];
  let close: TestQueue['close'];

  beforeAll(async () => {
    ({ database, services, queue, close } = await openTestQueue());
  });
  afterAll(() => close());

  function child(env: Record<string, string> = {}): ChildProcess {
    return spawn(
      process.execPath,
      ['--no-warnings', '--import', './tools/ts.mjs', 'test/int/ingest-child.ts', database.url, services.url],
      { cwd: repository, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
  }

  async function killedBy(process: ChildProcess): Promise<void> {
    const [, signal] = (await once(process, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
  }

  it('at every one of its steps, and while it acknowledges, loses nothing, repeats nothing, uses no attempt', async () => {
    const sent: unknown[] = [];
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const events = Array.from({ length: 4 }, () => sampleCloudEvent());
      sent.push(...events.map(({ id }) => id));
      await queue.add('event', { events: [...events, { broken: batch }] });
    }
    // The steps of a first commit, then of a second one, with jobs of the first being acknowledged.
    for (let step = 1; step <= STEPS_PER_COMMIT * 2; step += 1) {
      await killedBy(child({ QUIPU_KILL_AT_STEP: String(step) }));
    }
    for (const acknowledged of [1, 7]) {
      const process = child();
      let dots = 0;
      process.stdout!.on('data', (text: Buffer) => {
        dots += text.length;
        if (dots >= acknowledged) process.kill('SIGKILL');
      });
      await killedBy(process);
    }
    const left = await queue.getJobs(['waiting', 'active']);
    expect(left.length).toBeGreaterThan(0);
    expect(left.map(({ attemptsMade }) => attemptsMade)).toEqual(left.map(() => 0));

    const survivor = child();
    await until(async () => (await queue.getJobCountByTypes('waiting', 'active')) === 0);
    survivor.kill('SIGTERM');
    await once(survivor, 'exit');
    expect(await queue.getJobCounts()).toMatchObject({ failed: 0, completed: 0, delayed: 0 });
    const stored = await new EventLog(database.pool).readAfter(0n, ALL);
    expect(stored.map(({ id }) => id).sort()).toEqual(sent.sort());
    const { rows } = await database.pool.query('SELECT count(*)::int AS letters FROM dead_letters');
    expect(rows[0].letters).toBe(BATCHES);
  }, 60_000);
});
