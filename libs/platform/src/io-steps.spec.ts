import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { createIoSteps, noIoSteps } from './io-steps.js';

describe('createIoSteps', () => {
  it('does nothing unless it is asked to', () => {
    expect(createIoSteps({})).toBe(noIoSteps);
  });

  it('writes the number and label of every step', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'quipu-steps-'));
    const file = join(directory, 'steps');
    const io = createIoSteps({ QUIPU_COUNT_STEPS: file });
    await io.step('before append');
    await io.step('after append');
    expect(readFileSync(file, 'utf8')).toBe('1 before append\n2 after append\n');
    rmSync(directory, { recursive: true });
  });

  it('stops this process at the first step of a label, and never again', () => {
    const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
    const io = createIoSteps({ QUIPU_STOP_AT_STEP: 'before commit' });
    void io.step('before begin');
    expect(kill).not.toHaveBeenCalled();
    void io.step('before commit');
    void io.step('before commit');
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGSTOP']]);
    kill.mockRestore();
  });

  it.each(['2', 'two'])(
    'kills this process at the step that was asked for (%s), and at no other',
    (place) => {
      const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
      const io = createIoSteps({ QUIPU_KILL_AT_STEP: place });
      void io.step('one');
      expect(kill).not.toHaveBeenCalled();
      void io.step('two');
      expect(kill).toHaveBeenCalledWith(process.pid, 'SIGKILL');
      kill.mockRestore();
    },
  );
});
