import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../support/index.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

/** Whether a program can be run here. */
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** A test that needs programs; where they are missing its name says so. */
function withPrograms(...programs: string[]) {
  const missing = programs.filter((program) => !has(program));
  return (name: string, run: () => Promise<void>): void => {
    if (missing.length === 0) it(name, run, 60_000);
    else it.skip(`${name} [skipped: this machine has no ${missing.join(', ')}]`, run);
  };
}

describe('the examples of docs/reporting.md', () => {
  let system: TestSystem;
  let env: Record<string, string>;

  beforeAll(async () => {
    system = await startTestSystem();
    await system.tenants.create({ id: 'acme' });
    // The examples report by the clock on the wall; seen from the end of the job its usage is complete.
    system.clock.advance(120_000);
    env = {
      PATH: process.env['PATH'] ?? '',
      QUIPU_URL: await system.listen(),
      QUIPU_TENANT: 'acme',
      QUIPU_KEY: await system.principal('acme', 'bot', 'reporter'),
      QUIPU_ADMIN: 'boss',
      QUIPU_ADMIN_KEY: await system.principal('acme', 'boss', 'admin'),
    };
  });
  afterAll(() => system.stop());

  interface Ended {
    code: number;
    stdout: string;
    stderr: string;
  }

  function run(example: string, args: string[], more: Record<string, string> = {}): Promise<Ended> {
    const file = join(repository, 'examples', example);
    return new Promise((resolve) => {
      execFile(file, args, { env: { ...env, ...more } }, (error, stdout, stderr) =>
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        }),
      );
    });
  }

  /** The types of the events of the one job of a queue, in the order of the log. */
  async function eventsOf(queue: string): Promise<{ type: string; data: Record<string, unknown> }[]> {
    const all = await system.log.readAfter(0n, { maxEvents: 1_000, maxBytes: 1 << 20 });
    return all
      .filter(({ subject }) => subject.startsWith(`job/${queue}/`))
      .map(({ type, data }) => ({ type, data }));
  }

  for (const [example, programs] of [
    ['report.sh', ['curl']],
    ['report.py', ['python3']],
  ] as const) {
    it(`${example} stands in docs/reporting.md as it is`, async () => {
      const [doc, text] = await Promise.all(
        ['docs/reporting.md', `examples/${example}`].map((file) => readFile(join(repository, file), 'utf8')),
      );
      expect(doc).toContain(`\n${text}\`\`\`\n`);
    });

    const test = withPrograms(...programs);

    test(`${example} reports a job's life and reads what it used`, async () => {
      const queue = `good-${example}`;
      const ended = await run(example, [queue, '3', 'sh', '-c', 'echo at work; sleep 1.2']);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      const used = Number(/^at work\nnode-seconds: (\d+)\n$/.exec(ended.stdout)?.[1]);
      // Three nodes for 1.2 seconds, told in whole seconds by the shell; and time for the command to start.
      expect(used).toBeGreaterThanOrEqual(3);
      expect(used).toBeLessThanOrEqual(30);
      const events = await eventsOf(queue);
      expect(events.map(({ type }) => type)).toEqual(['job.queued', 'job.started', 'job.completed']);
      expect(events[2]!.data).toEqual({ result: 'success' });
    });

    test(`${example} reports a command that fails, and ends as it does`, async () => {
      const queue = `bad-${example}`;
      expect(await run(example, [queue, '1', 'sh', '-c', 'exit 7'])).toMatchObject({ code: 7, stderr: '' });
      expect((await eventsOf(queue)).at(-1)).toMatchObject({
        type: 'job.completed',
        data: { result: 'failure' },
      });
    });

    test(`${example} says so when its key is refused, before it runs anything`, async () => {
      const ended = await run(example, ['refused', '1', 'echo', 'ran'], { QUIPU_KEY: 'qk_wrong' });
      expect(ended.code).not.toBe(0);
      expect(ended.stderr).toContain('The key is not valid.');
      expect(ended.stdout).not.toContain('ran');
      expect(await eventsOf('refused')).toEqual([]);
    });
  }
});
