import { createHash } from 'node:crypto';
import { createRedis, errorMessage, type Logger } from '@quipu/platform';
import type { Redis } from 'ioredis';
import { TAKE_FROM_BUCKETS } from './bucket-script.js';
import { LocalBuckets } from './local-buckets.js';

/** A bucket that requests are taken from. */
export interface Bucket {
  readonly key: string;
  readonly perSecond: number;
}

/** Rates, requests per second; 0 for any number. */
export interface ThrottleRates {
  readonly perKey: number;
  readonly perAddress: number;
}

/** Who makes a request. */
export interface Requester {
  /** IP address. */
  readonly address: string;
  /** The key it sent, valid or not; null if none. */
  readonly secret: string | null;
}

/** Seconds' worth of requests that may come at once. */
const BURST_SECONDS = 5;
/** Longest that Redis may take where nobody says otherwise, ms: a slow throttle is worse than none. */
const PATIENCE_MS = 250;
/** How long the process counts by itself before it asks Redis again, ms. */
const PAUSE_MS = 1_000;
const PREFIX = '{quipu}:throttle:';

/**
 * Holds requests back, per key and per address, at rates that only a program gone wrong reaches. The buckets are in
 * Redis, common to all API processes; while Redis is away each process counts by itself, so that nobody is locked out
 * and nobody let loose.
 *
 * Own code, since @nestjs/throttler counts in fixed windows, one tracker at a time, and what stores its counts in
 * Redis fails when Redis does (and does not know Nest 12).
 */
export class RequestThrottle {
  private readonly redis: Redis;
  private readonly local = new LocalBuckets(BURST_SECONDS * 1000);
  private readonly sha = createHash('sha1').update(TAKE_FROM_BUCKETS).digest('hex');
  private resting = false;
  private restingUntil = 0;

  constructor(
    redisUrl: string,
    private readonly rates: ThrottleRates,
    private readonly logger: Logger,
    /** Longest that Redis may take, ms. */
    private readonly patienceMs = PATIENCE_MS,
  ) {
    this.redis = createRedis(redisUrl, 'producer', 'quipu-api-throttle');
  }

  /** Counts a request; 0 if it may go on, else after how many ms it may be tried again. */
  async take(requester: Requester): Promise<number> {
    const buckets = this.bucketsOf(requester);
    if (buckets.length === 0) return 0;
    const now = performance.now();
    if (now < this.restingUntil) return this.local.take(buckets, now);
    try {
      const wait = await this.ask(buckets);
      if (this.resting) this.logger.info('requests are throttled through Redis again');
      this.resting = false;
      return wait;
    } catch (error) {
      if (!this.resting)
        this.logger.warn({ reason: errorMessage(error) }, 'requests are throttled per process');
      this.resting = true;
      this.restingUntil = now + PAUSE_MS;
      return this.local.take(buckets, now);
    }
  }

  /** Disconnects. */
  close(): void {
    this.redis.disconnect();
  }

  private bucketsOf({ address, secret }: Requester): Bucket[] {
    const { perKey, perAddress } = this.rates;
    const buckets: Bucket[] = [];
    if (perAddress > 0) buckets.push({ key: `${PREFIX}address:${network(address)}`, perSecond: perAddress });
    if (perKey > 0 && secret !== null) {
      const hash = createHash('sha256').update(secret).digest('base64url').slice(0, 22);
      buckets.push({ key: `${PREFIX}key:${hash}`, perSecond: perKey });
    }
    return buckets;
  }

  private async ask(buckets: readonly Bucket[]): Promise<number> {
    const keys = buckets.map(({ key }) => key);
    const pauses = buckets.map(({ perSecond }) => Math.ceil(1_000_000 / perSecond));
    const args = [...keys, BURST_SECONDS * 1_000_000, ...pauses];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const reason = new Error(`no answer within ${this.patienceMs} ms`);
      timer = setTimeout(() => reject(reason), this.patienceMs);
    });
    try {
      const answer = this.redis.evalsha(this.sha, keys.length, ...args).catch((error: unknown) => {
        if (!errorMessage(error).startsWith('NOSCRIPT')) throw error;
        return this.redis.eval(TAKE_FROM_BUCKETS, keys.length, ...args);
      });
      return Number(await Promise.race([answer, late]));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What shares a bucket: an IPv4 address, or the half of an IPv6 address that one subscriber has. */
export function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return `${[...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4).join(':')}::/64`;
}
