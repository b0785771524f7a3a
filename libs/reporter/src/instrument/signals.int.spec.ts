import { jest } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { repository } from '../../../../test/support/index.js';

jest.setTimeout(60_000);

describe('a signal', () => {
  let child: ChildProcess;
  let said: string;

  afterEach(() => {
    child.kill('SIGKILL');
  });

  async function until(text: string): Promise<void> {
    while (!said.includes(text)) {
      if (child.exitCode !== null) throw new Error(`it ended before it said ${text}: ${said}`);
      await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
    }
  }

  /** A program that has something to say, and others in it that listen. */
  async function program(...company: string[]): Promise<void> {
    const path = join(repository, 'test/fixtures/reporter/signal-program.mjs');
    const args = ['--no-warnings', '--import', './tools/ts.mjs', path, ...company];
    child = spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] });
    said = '';
    child.stdout!.on('data', (text: Buffer) => (said += text.toString()));
    await until('ready');
  }

  async function ended(signal: NodeJS.Signals): Promise<string[]> {
    const exit = once(child, 'close');
    child.kill(signal);
    expect(await exit).toEqual([null, signal]);
    return said.trim().split('\n').slice(1);
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends a program once it has said goodbye', async (signal) => {
    await program();
    expect(await ended(signal)).toEqual(['goodbye']);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends a program with signal-exit in it, after both had their say',
    async (signal) => {
      await program('signal-exit');
      expect(await ended(signal)).toEqual(['goodbye', 'signal-exit']);
    },
  );

  it('ends a program with two copies of this library in it', async () => {
    await program('copy', 'signal-exit');
    expect(await ended('SIGTERM')).toEqual(['goodbye', 'goodbye of the copy', 'signal-exit']);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)(
    '%s ends the first process of a container, which the kernel spares, by %d',
    async (signal, code) => {
      await program('first');
      const exit = once(child, 'close');
      child.kill(signal);
      expect(await exit).toEqual([code, null]);
      expect(said).toMatch(/goodbye\n$/);
    },
  );

  it('that the program takes itself does nothing, and the next one ends it', async () => {
    await program('handler', 'signal-exit');
    child.kill('SIGTERM');
    await until('handled');
    expect(await ended('SIGTERM')).toEqual(['handled', 'goodbye', 'signal-exit']);
  });
});
