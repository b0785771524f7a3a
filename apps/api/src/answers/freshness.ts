import { type Principal, isSuperadmin } from '@quipu/access';
import { LEDGER_PROJECTION } from '@quipu/ledger';
import { QuipuError } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { type Pool } from 'pg';
import { PositionTokens } from './position-token.js';

/** How long an answer waits for `Quipu-After`, ms. */
const PATIENCE_MS = 5_000;
/** The first look is soon; who waits for long, since the projection stands still, must not ask for as many times. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;

/** `Quipu-After` is not a token of this ledger. */
export class UnknownTokenError extends QuipuError {
  readonly code = 'unknown-token';
  readonly retryable = false;
}

/** The projection has not passed the position of `Quipu-After` in time. */
export class NotYetError extends QuipuError {
  readonly code = 'not-yet';
  readonly retryable = true;
}

/** Headers that say where an answer stands. */
export type FreshnessHeaders = Readonly<Record<string, string>>;

/** Where answers stand, and waiting until they stand where a caller needs them: read your writes. */
export class Freshness {
  /** @param patienceMs how long an answer waits for `Quipu-After`. */
  constructor(
    private readonly pool: Pool,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Headers of an answer: the instant, and the position (superadmins) or a token for it. */
  async headers(principal: Principal, answer: { asOf: number; position: bigint }): Promise<FreshnessHeaders> {
    const asOf = { 'quipu-as-of': new Date(answer.asOf).toISOString() };
    const tokens = await this.tokens();
    const token = tokens === null ? {} : { 'quipu-token': tokens.encode(answer.position) };
    return isSuperadmin(principal)
      ? { ...asOf, ...token, 'quipu-position': answer.position.toString() }
      : { ...asOf, ...token };
  }

  /**
   * Waits, five seconds at most, until the projection has passed the position that `after` stands for. Superadmins
   * may name the position itself.
   * @throws UnknownTokenError if `after` is no token of this ledger; NotYetError if it takes longer.
   */
  async waitFor(principal: Principal, after: string | undefined): Promise<void> {
    if (after === undefined || after === '') return;
    const plain = isSuperadmin(principal) && /^\d{1,18}$/.test(after);
    const wanted = plain ? BigInt(after) : ((await this.tokens())?.decode(after) ?? null);
    if (wanted === null) {
      throw new UnknownTokenError('Quipu-After is not a token of this ledger.', {
        hint: 'Use the Quipu-Token of an answer of this server; tokens end with a restore or a rebuild.',
      });
    }
    const deadline = performance.now() + this.patienceMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const checkpoint = await readCheckpoint(this.pool, LEDGER_PROJECTION);
      if (checkpoint !== null && checkpoint.position >= wanted) return;
      if (performance.now() > deadline) {
        throw new NotYetError('The projection has not reached Quipu-After yet.', {
          hint: 'Ask again in a moment.',
        });
      }
      const rest = Math.max(1, deadline - performance.now());
      await new Promise((resolve) => setTimeout(resolve, Math.min(pause, rest)));
    }
  }

  /** The tokens of the ledger as it is now; null while there is none. */
  async tokens(): Promise<PositionTokens | null> {
    const checkpoint = await readCheckpoint(this.pool, LEDGER_PROJECTION);
    return checkpoint === null ? null : new PositionTokens(checkpoint.epoch);
  }
}
