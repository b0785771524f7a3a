import { describeError, maskUrl } from './logger.js';

describe('maskUrl', () => {
  it('hides the password and nothing else', () => {
    expect(maskUrl('postgres://me:p%40ss@host:5432/db?x=1')).toBe('postgres://me:***@host:5432/db?x=1');
    expect(maskUrl('redis://:secret@127.0.0.1:6379/0')).toBe('redis://:***@127.0.0.1:6379/0');
    expect(maskUrl('redis://127.0.0.1:6379/0')).toBe('redis://127.0.0.1:6379/0');
    expect(maskUrl('no url')).toBe('no url');
  });
});

describe('an error in a log', () => {
  const error = Object.assign(new TypeError('cannot reach redis://me:secret@host:1/0'), {
    code: 'ECONNREFUSED',
    command: { name: 'auth', args: ['secret'] },
  });

  it('is told in one line, without what libraries hang on it', () => {
    expect(describeError(error, false)).toEqual({
      ...{ type: 'TypeError', message: 'cannot reach redis://me:***@host:1/0', code: 'ECONNREFUSED' },
      at: expect.stringMatching(/logger\.spec/),
    });
  });

  it('has its stack when debugging', () => {
    expect(describeError(error, true)).toMatchObject({ stack: error.stack });
  });
});
