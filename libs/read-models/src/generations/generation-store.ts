import { within } from '@quipu/ledger';
import type { Redis } from 'ioredis';
import {
  addGeneration,
  GENERATION_PREFIX,
  GENERATIONS_KEY,
  giveLeaseBack,
  readGenerations,
  SAMPLER_LEASE_KEY,
  SAMPLER_STATE_KEY,
  takeLease,
} from './generation-scripts.js';
import { GENERATION_SECONDS, KEPT_GENERATIONS, type MetricPoint } from './points.js';
import { packPoints, shardOf, unpackLines } from './point-shards.js';

/** What one look at everything came to. */
export interface Generation {
  /** Seconds since 1970; that of all its points. */
  readonly timestamp: number;
  readonly points: readonly MetricPoint[];
  /** How many points there was no room for. */
  readonly leftOut: number;
  /** Epoch of the totals that counters come from; empty if those could not be read. */
  readonly epoch: string;
}

/** What became of a generation: it is kept; one of its time or a later one was; or another takes them now. */
export type AddOutcome = 'stored' | 'there' | 'lost';

/** What is known of the newest generation. */
export interface SamplerState {
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly points: number;
  readonly leftOut: number;
  readonly epoch: string;
}

/** A generation as it is kept; its points are parsed only when they are asked for. */
export interface KeptGeneration {
  readonly timestamp: number;
  /** Its points as JSON, one each. */
  lines(): string[];
}

/** Which generations are read: the newest, or all after a timestamp (s). */
export type GenerationsWanted = 'newest' | { readonly after: number };

/** How long Redis may take, ms. */
const PATIENCE_MS = 2_000;
/** A generation dated further ahead than all that are kept is from a clock that was wrong. */
const FURTHEST_AHEAD_SECONDS = KEPT_GENERATIONS * GENERATION_SECONDS;

/** The generations of points of the last half hour, in Redis beside the totals. Every method throws while Redis is away. */
export class GenerationStore {
  /** @param keep how many generations are kept. @param patienceMs how long Redis may take, ms. */
  constructor(
    private readonly redis: Redis,
    private readonly keep = KEPT_GENERATIONS,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Whether the generations are `holder`'s to take for the next `ms`. */
  async takeLease(holder: string, ms: number): Promise<boolean> {
    const taken = takeLease.run(this.redis, [SAMPLER_LEASE_KEY], [holder, ms]);
    return (await this.soon(taken)) === 1;
  }

  /** Leaves the generations to another. */
  async giveLeaseBack(holder: string): Promise<void> {
    await this.soon(giveLeaseBack.run(this.redis, [SAMPLER_LEASE_KEY], [holder]));
  }

  /** Keeps a generation, all of it or nothing, and lets go of the oldest. @param nowSeconds what the clock says. */
  async add(holder: string, generation: Generation, nowSeconds: number): Promise<AddOutcome> {
    const { timestamp, points, leftOut, epoch } = generation;
    const shards = [...packPoints(points, timestamp)].flat();
    const added = addGeneration.runBuffer(
      this.redis,
      [GENERATIONS_KEY, GENERATION_PREFIX, SAMPLER_LEASE_KEY, SAMPLER_STATE_KEY],
      [
        ...[holder, timestamp, Math.floor(nowSeconds) + FURTHEST_AHEAD_SECONDS, this.keep],
        ...[points.length, leftOut, epoch, ...shards],
      ],
    );
    return String(await this.soon(added)) as AddOutcome;
  }

  /** Generations of one instant, the oldest first. @param id only what is about this; all if absent. */
  async read(wanted: GenerationsWanted, id?: string): Promise<KeptGeneration[]> {
    const from = wanted === 'newest' ? wanted : wanted.after;
    const reply = (await this.soon(
      readGenerations.runBuffer(
        this.redis,
        [GENERATIONS_KEY, GENERATION_PREFIX],
        id === undefined ? [from] : [from, shardOf(id)],
      ),
    )) as (Buffer | (Buffer | null)[])[];
    const found: KeptGeneration[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      const shards = reply[i + 1] as (Buffer | null)[];
      found.push({
        timestamp: Number(String(reply[i])),
        lines: () => shards.flatMap((shard) => (shard === null ? [] : unpackLines(shard, id))),
      });
    }
    return found;
  }

  /** What is known of the newest generation; null before the first. */
  async state(): Promise<SamplerState | null> {
    const { timestamp, points, leftOut, epoch } = await this.soon(this.redis.hgetall(SAMPLER_STATE_KEY));
    if (timestamp === undefined) return null;
    return {
      timestamp: Number(timestamp),
      points: Number(points),
      leftOut: Number(leftOut),
      epoch: epoch ?? '',
    };
  }

  private soon<T>(work: Promise<T>): Promise<T> {
    return within(this.patienceMs, 'Redis', work);
  }
}
