import type { Redis } from 'ioredis';
import { evictionWarning } from './redis-policy.js';

const answering = (info: string) => ({ info: () => Promise.resolve(info) }) as unknown as Redis;

describe('evictionWarning', () => {
  it('is silent when Redis keeps what it was given', async () => {
    expect(await evictionWarning(answering('# Memory\r\nmaxmemory_policy:noeviction\r\nx:1\r\n'))).toBeNull();
  });

  it('names the policy that would delete queued events', async () => {
    const warning = await evictionWarning(answering('maxmemory_policy:allkeys-lru\r\n'));
    expect(warning).toContain('allkeys-lru');
    expect(await evictionWarning(answering(''))).toContain('unknown');
  });
});
