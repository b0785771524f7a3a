import { hashSecret, type KeyStore, type Principal } from '@quipu/access';
import { classifyPgError, type Clock } from '@quipu/platform';

/** How long a key is known after it was last looked up, ms: what a collector may let pass between two polls. */
const KNOWN_MS = 30 * 60_000;
/** Most keys that are known. */
const MOST_KEYS = 1_000;

interface Known {
  readonly principal: Principal;
  readonly expiresMs: number | null;
  readonly seenMs: number;
}

/**
 * Keys, looked up in Postgres at every request; while that is away, those that were valid when they were last looked
 * up, half an hour ago at most. So what is kept outside of Postgres can be read while it is down.
 */
export class RememberedKeys {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly keys: Pick<KeyStore, 'holderOf'>,
    private readonly clock: Clock,
  ) {}

  /** Who holds this key; null if it is not valid. @throws if Postgres is away and the key is not known. */
  async holderOf(secret: string): Promise<Principal | null> {
    const name = hashSecret(secret).toString('base64');
    try {
      const found = await this.keys.holderOf(secret);
      this.known.delete(name);
      if (found === null) return null;
      this.known.set(name, { ...found, seenMs: this.clock.now() });
      const oldest = this.known.keys().next();
      if (this.known.size > MOST_KEYS && !oldest.done) this.known.delete(oldest.value);
      return found.principal;
    } catch (error) {
      const known = this.known.get(name);
      if (known === undefined || classifyPgError(error) !== 'retry') throw error;
      const { principal, expiresMs, seenMs } = known;
      const now = this.clock.now();
      if (Math.abs(now - seenMs) > KNOWN_MS) throw error;
      return expiresMs !== null && expiresMs <= now ? null : principal;
    }
  }
}
