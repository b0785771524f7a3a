import { z } from 'zod';
import type { ProblemException } from './problem.exception.js';
import { limitText, oneOf, readQuery } from './query-parameters.js';

const SCHEMA = z.object({ measure: oneOf(['nodes', 'running']), limit: limitText.default(100) });

function refusal(raw: unknown): string {
  try {
    return JSON.stringify(readQuery(SCHEMA, raw));
  } catch (error) {
    return (error as ProblemException).message;
  }
}

describe('the parameters of a query', () => {
  it.each([
    [{ measure: 'nodes' }, '{"measure":"nodes","limit":100}'],
    [{ measure: ['nodes', 'nodes'] }, 'measure is given more than once.'],
    [
      { measure: ['nodes', 'nodes'], limit: '0' },
      'measure is given more than once. limit is "0"; it is a number from 1 to 1000.',
    ],
    [{ measure: 'nodes', ['__proto__']: 'x' }, '__proto__ is unknown.'],
    [{ measure: 'nodes', Limit: '5' }, 'Limit is unknown.'],
  ])('%j', (raw, told) => {
    expect(refusal(raw)).toBe(told);
  });
});
