import { maskUrl } from './logger.js';

describe('maskUrl', () => {
  it('hides the password and nothing else', () => {
    expect(maskUrl('postgres://me:p%40ss@host:5432/db?x=1')).toBe('postgres://me:***@host:5432/db?x=1');
    expect(maskUrl('redis://:secret@127.0.0.1:6379/0')).toBe('redis://:***@127.0.0.1:6379/0');
    expect(maskUrl('redis://127.0.0.1:6379/0')).toBe('redis://127.0.0.1:6379/0');
    expect(maskUrl('no url')).toBe('no url');
  });
});
