import { type Redis } from 'ioredis';
import { readScript } from './read-script.js';
import {
  amountField,
  memberSetName,
  MEMBERS_PREFIX,
  parseAmountField,
  parseMemberSetName,
  TORN,
  TOTALS_KEY,
} from './totals-keys.js';
import { within } from './within.js';

/**
 * Why totals cannot be used: Redis does not answer, holds none, was left torn by a script, or holds those of another
 * history. Callers answer from Postgres then.
 */
export type UnusableReason = 'unreachable' | 'missing' | 'torn' | 'foreign';

/** Totals at one instant of the ledger, or why there are none to use. */
export type TotalsAnswer<T> =
  | ({ readonly usable: true; readonly position: bigint; readonly epoch: string } & T)
  | { readonly usable: false; readonly reason: UnusableReason };

/** One amount. */
export interface TotalAmount {
  readonly family: string;
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: bigint;
}

/** Members of one set, split by now. */
export interface MemberCounts {
  readonly family: string;
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Members scored up to now. */
  readonly due: number;
  /** Members scored after now. */
  readonly later: number;
  /** Lowest score (ms) if it is up to now. */
  readonly oldest: number | null;
}

/** What {@link TotalsReader.read} is asked for. */
export interface TotalsQuery {
  /** The ledger's epoch according to Postgres; totals of another one are foreign. */
  readonly epoch: string;
  /** ms. */
  readonly now: number;
  /** Only this tenant's; all tenants' if absent. */
  readonly tenant?: string;
  /** Only amounts of this family; all if absent. */
  readonly amounts?: string;
  /** Member sets of this family; none if absent. */
  readonly members?: string;
}

/** How long a reader waits before it answers from Postgres instead. */
const PATIENCE_MS = 1_000;

/** Reads the totals that the projection mirrors to Redis; each answer is of one instant. */
export class TotalsReader {
  constructor(private readonly redis: Redis) {}

  /** Amounts and member counts. Never throws: whatever goes wrong makes the answer unusable. */
  async read(query: TotalsQuery): Promise<TotalsAnswer<{ amounts: TotalAmount[]; members: MemberCounts[] }>> {
    let reply: unknown;
    try {
      const run = readScript.run(
        this.redis,
        [TOTALS_KEY, MEMBERS_PREFIX],
        [amountPrefix(query), memberPrefix(query), query.now],
      );
      reply = await within(PATIENCE_MS, 'Reading totals', run);
    } catch {
      return { usable: false, reason: 'unreachable' };
    }
    const [position, epoch, amounts, sets] = reply as [string?, string?, string[]?, string[]?];
    if (position === undefined || epoch === undefined) return { usable: false, reason: 'missing' };
    if (epoch !== query.epoch) return { usable: false, reason: 'foreign' };
    if (position === TORN) return { usable: false, reason: 'torn' };
    try {
      return {
        usable: true,
        position: BigInt(position),
        epoch,
        amounts: parseAmounts(amounts ?? [], query.tenant),
        members: parseSets(sets ?? [], query.now),
      };
    } catch {
      // Somebody else wrote here: what cannot be read cannot be trusted either.
      return { usable: false, reason: 'torn' };
    }
  }

  /** Queue depth: amounts `jobs{queue,state}` and the counts of the `waiting` sets. */
  async depth(query: {
    epoch: string;
    now: number;
    tenant?: string;
  }): Promise<TotalsAnswer<{ jobs: TotalAmount[]; waiting: MemberCounts[] }>> {
    const answer = await this.read({ ...query, amounts: 'jobs', members: 'waiting' });
    if (!answer.usable) return answer;
    const { position, epoch, amounts, members } = answer;
    return { usable: true, position, epoch, jobs: amounts, waiting: members };
  }
}

function amountPrefix({ amounts, tenant }: TotalsQuery): string {
  if (amounts === undefined) return '';
  return tenant === undefined ? `${amounts}|` : amountField(amounts, tenant, '');
}

function memberPrefix({ members, tenant }: TotalsQuery): string {
  if (members === undefined) return '-';
  return tenant === undefined ? `${members}|` : memberSetName(members, tenant, '');
}

function parseAmounts(flat: readonly string[], tenant: string | undefined): TotalAmount[] {
  const found: TotalAmount[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const field = parseAmountField(flat[i]!);
    if (field === null || (tenant !== undefined && field.tenant !== tenant)) continue;
    found.push({
      family: field.family,
      tenant: field.tenant,
      labels: JSON.parse(field.labels) as Record<string, string>,
      value: BigInt(flat[i + 1]!),
    });
  }
  return found;
}

function parseSets(flat: readonly string[], now: number): MemberCounts[] {
  const found: MemberCounts[] = [];
  for (let i = 0; i + 3 < flat.length; i += 4) {
    const lowest = flat[i + 3] === '' ? null : Number(flat[i + 3]);
    const { family, tenant, labels } = parseMemberSetName(flat[i]!);
    found.push({
      ...{ family, tenant, labels: JSON.parse(labels) as Record<string, string> },
      due: Number(flat[i + 1]),
      later: Number(flat[i + 2]),
      oldest: lowest !== null && lowest <= now ? lowest : null,
    });
  }
  return found;
}
