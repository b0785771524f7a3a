import { isSuperadmin, type Principal } from '@quipu/access';
import { parseTime, TIME_FORMS, UsageError } from '@quipu/platform';
import { type PastQueries } from '@quipu/read-models';
import { type Freshness } from '../answers/freshness.js';
import { badQuery } from '../answers/query-parameters.js';
import { quoted } from '../answers/storable-text.js';

/** Where a question about the past stands. */
export interface PastInstant {
  /** The ledger has seen the log up to here, and nothing after it. */
  readonly position: bigint;
  /** The instant of asking, ms: nothing accrues after it. */
  readonly now: number;
}

/** Reads the parameter `asOf`: what the ledger said then. */
export class AsOf {
  constructor(
    private readonly past: PastQueries,
    private readonly freshness: Freshness,
  ) {}

  /**
   * The position and instant that `text` stands for. A time: the last position recorded at or before it, and that
   * time. A token (superadmins: also `@<position>`): its position, and the instant at which it was recorded, unless the
   * question has an end of its own, so that an answer can be had again by its token and its end.
   * @param at `now`, ms; `bounded`: the question names its end or instant itself
   * @throws ProblemException (400) when it is neither.
   */
  async resolve(
    principal: Principal,
    text: string,
    at: { readonly now: number; readonly bounded: boolean },
  ): Promise<PastInstant> {
    const position = await this.positionOf(principal, text);
    if (position !== null) {
      const now = at.bounded ? at.now : ((await this.past.recordedAt(position)) ?? at.now);
      return { position, now: Math.min(now, at.now) };
    }
    const time = timeOf(text, at.now);
    return { position: await this.past.positionAt(time), now: Math.min(time, at.now) };
  }

  private async positionOf(principal: Principal, text: string): Promise<bigint | null> {
    const plain = /^@(\d{1,18})$/.exec(text)?.[1];
    if (plain !== undefined && isSuperadmin(principal)) return BigInt(plain);
    if (!/^[\w-]{22}$/.test(text)) return null;
    return (await this.freshness.tokens())?.decode(text) ?? null;
  }
}

function timeOf(text: string, now: number): number {
  try {
    return parseTime(text, now);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const detail = `is ${quoted(text)}, neither a token of this ledger nor a time; a time is ${TIME_FORMS}`;
    throw badQuery([{ parameter: 'asOf', detail }]);
  }
}
