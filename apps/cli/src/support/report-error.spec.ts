import { printed } from '../../../../test/int/cli/printed.js';
import { CheckFailedError, InterruptedError } from './exit-codes.js';
import { reportError } from './report-error.js';

const told = (error: unknown): string => printed((terminal) => reportError(terminal, error, {}));

describe('what went wrong', () => {
  it.each([
    ['ENOENT', /Check the path/],
    ['EROFS', /another directory/],
    ['ENOTDIR', /must be/],
    ['ENOSPC', /Free some disk space/],
    ['53300', /max_connections/],
    ['57P03', /in a moment/],
    ['42501', /lacks that right/],
  ])('is told with what to do about %s', (code, hint) => {
    const text = told(Object.assign(new Error('it did not work'), { code }));
    expect(text).toMatch(/^quipu: it did not work\n {7}\S/);
    expect(text).toMatch(hint);
  });

  it('is told with the hint it carries, and without a stack trace', () => {
    const text = told(new CheckFailedError('Redis and Postgres differ.', { hint: 'Heal them.' }));
    expect(text).toBe('quipu: Redis and Postgres differ.\n       Heal them.\n');
    expect(told(new TypeError('a defect'))).toBe('quipu: a defect\n');
  });

  it('was told already by whoever was interrupted', () => {
    expect(told(new InterruptedError('Interrupted.'))).toBe('');
  });
});
