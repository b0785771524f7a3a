import { parseTime } from '@quipu/platform';
import { PastQueries } from '@quipu/read-models';
import { type Services } from './services.js';

/** What `--as-of` takes, for help texts. */
export const AS_OF_FORMS = 'a TIME, or @ and a position of the log';

/** Where a question about the past stands. */
export interface PastInstant {
  /** The ledger has seen the log up to here, and nothing after it. */
  readonly position: bigint;
  /** The instant of asking, ms: nothing accrues after it. */
  readonly now: number;
}

/**
 * Reads `--as-of`. A time stands for the last position recorded by then, and is the instant of asking; a position was
 * reached when it was recorded, which is the instant of asking unless the question names its end (`bounded`).
 * @throws UsageError when it is neither.
 */
export async function parseAsOf(
  { pool, archive }: Pick<Services, 'pool' | 'archive'>,
  text: string,
  { now, bounded }: { readonly now: number; readonly bounded: boolean },
): Promise<PastInstant> {
  const past = new PastQueries(pool, archive);
  const plain = /^@(\d{1,18})$/.exec(text.trim())?.[1];
  if (plain === undefined) {
    const time = parseTime(text, now);
    return { position: await past.positionAt(time), now: Math.min(time, now) };
  }
  const position = BigInt(plain);
  const recorded = bounded ? null : await past.recordedAt(position);
  return { position, now: Math.min(recorded ?? now, now) };
}
