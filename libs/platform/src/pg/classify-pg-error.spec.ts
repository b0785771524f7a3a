import { CheckpointConflictError, StoreUnavailableError, UsageError } from '../errors.js';
import { classifyPgError } from './classify-pg-error.js';

const withCode = (code: string): Error => Object.assign(new Error('x'), { code });

describe('classifyPgError', () => {
  it.each([
    ['08006', 'retry'],
    ['40001', 'retry'],
    ['40P01', 'retry'],
    ['53300', 'retry'],
    ['57P01', 'retry'],
    ['57P03', 'retry'],
    ['55P03', 'retry'],
    ['25P03', 'retry'],
    ['22P02', 'data'],
    ['22021', 'data'],
    ['23505', 'data'],
    ['QP001', 'conflict'],
    ['42P01', 'fatal'],
    ['25P02', 'fatal'],
    ['ECONNREFUSED', 'retry'],
    ['ECONNRESET', 'retry'],
    ['ENOENT', 'fatal'],
  ])('%s → %s', (code, expected) => {
    expect(classifyPgError(withCode(code))).toBe(expected);
  });

  it('knows the connection errors that pg reports without a code', () => {
    expect(classifyPgError(new Error('Connection terminated unexpectedly'))).toBe('retry');
    expect(classifyPgError(new Error('timeout exceeded when trying to connect'))).toBe('retry');
    expect(classifyPgError(new Error('Client has encountered a connection error and is not queryable'))).toBe(
      'retry',
    );
  });

  it('takes our own errors at their word', () => {
    expect(classifyPgError(new CheckpointConflictError('x'))).toBe('conflict');
    expect(classifyPgError(new StoreUnavailableError('x'))).toBe('retry');
    expect(classifyPgError(new UsageError('x'))).toBe('fatal');
  });

  it('calls a defect of ours fatal', () => {
    expect(classifyPgError(new TypeError('undefined is not a function'))).toBe('fatal');
    expect(classifyPgError('thrown text')).toBe('fatal');
  });
});
