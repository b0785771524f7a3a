import { createHash } from 'node:crypto';
import { type Redis } from 'ioredis';

/** A Redis script, sent by its hash and in full only where the server does not know it yet. */
export class LuaScript {
  private readonly sha: string;

  constructor(private readonly text: string) {
    this.sha = createHash('sha1').update(text).digest('hex');
  }

  /** Runs the script. @throws the script's error; what it wrote before stays written. */
  async run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await redis.eval(this.text, keys.length, ...keys, ...args);
    }
  }

  /** As {@link run}; takes and gives bytes where texts would garble them. */
  async runBuffer(
    redis: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    try {
      return await redis.callBuffer('EVALSHA', this.sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await redis.callBuffer('EVAL', this.text, keys.length, ...keys, ...args);
    }
  }
}
