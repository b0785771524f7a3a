import {
  type TotalsChange,
  type TotalsFeed,
  type TotalsHead,
  TORN,
  type UnusableReason,
} from '@quipu/ledger';
import { FamilySet } from './totals-family.js';

/** Fields taken in before the event loop gets a turn: less than a millisecond's worth. */
const FIELDS_AT_ONCE = 1_000;
/** Loads in one go; after that something changes the totals faster than they can be read. */
const MOST_LOADS = 3;

/** Where a copy stands. */
interface Standing {
  readonly families: FamilySet;
  readonly generation: string;
  readonly epoch: string;
  position: string;
  /** Id of the last entry of the stream that was looked at. */
  last: string;
}

/**
 * A copy of the totals in Redis. It is loaded field by field while the totals change, and is right from the moment it
 * has taken in the changes since the load began. Later it takes in only changes: each must begin where the copy stands,
 * and at the end the copy must stand where Redis does. Whatever does not fit is a reason to load anew: entries that were
 * cut off, a batch too large for the stream, totals that were swapped.
 */
export class TotalsFollower {
  private standing: Standing | null = null;
  /** How often everything was loaded. */
  loads = 0;

  /** @param wanted names of families to keep; all if absent. */
  constructor(
    private readonly feed: TotalsFeed,
    private readonly wanted?: ReadonlySet<string>,
  ) {}

  /** The copy as of the last {@link sync}; null while there is none that can be used. */
  get copy(): { families: FamilySet; position: bigint; epoch: string; generation: string } | null {
    const { standing } = this;
    return standing === null ? null : { ...standing, position: BigInt(standing.position) };
  }

  /** Takes in what changed. Null, or why the totals cannot be used. @throws if Redis does not answer. */
  async sync(): Promise<UnusableReason | null> {
    try {
      return await this.follow();
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof URIError)) throw error;
      // Somebody else wrote here: what cannot be read cannot be trusted either.
      this.standing = null;
      return 'torn';
    }
  }

  private async follow(): Promise<UnusableReason | null> {
    for (let loads = 0; ; loads += 1) {
      if (this.standing === null) {
        if (loads === MOST_LOADS) return 'torn';
        const reason = await this.load();
        if (reason !== null) return reason;
      }
      const outcome = await this.catchUp(this.standing!);
      if (outcome === 'stands') return null;
      if (outcome !== 'reload') return outcome;
      this.standing = null;
    }
  }

  private async load(): Promise<UnusableReason | null> {
    const { head, last } = await this.feed.start();
    const found = usable(head);
    if (typeof found === 'string') return found;
    const families = new FamilySet(this.wanted);
    for await (const fields of this.feed.scan()) {
      for (let i = 0; i + 1 < fields.length; i += 2) families.set(fields[i]!, fields[i + 1]!);
    }
    this.loads += 1;
    this.standing = { ...found, families, last };
    return null;
  }

  private async catchUp(standing: Standing): Promise<'stands' | 'reload' | UnusableReason> {
    for (;;) {
      const { head, changes, last } = await this.feed.after(standing.last);
      let taken = 0;
      for (const change of changes) {
        const fields = apply(standing, change);
        if (fields === null) return 'reload';
        taken += fields;
        if (taken < FIELDS_AT_ONCE) continue;
        taken = 0;
        await breathe();
      }
      const more = last !== standing.last;
      standing.last = last;
      const found = usable(head);
      if (typeof found === 'string') {
        this.standing = null;
        return found;
      }
      if (found.generation !== standing.generation || found.epoch !== standing.epoch) return 'reload';
      if (found.position === standing.position) return 'stands';
      if (!more) return 'reload';
    }
  }
}

/** Applies a change, and says how many fields it had; null if something before it is missing. */
function apply(standing: Standing, change: TotalsChange): number | null {
  if (change.generation !== standing.generation) return 0;
  if (change.from !== standing.position) return null;
  const { values } = change;
  for (let i = 0; i + 1 < values.length; i += 2) standing.families.set(values[i]!, values[i + 1]!);
  standing.position = change.to;
  return values.length / 2;
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function usable(head: TotalsHead): { position: string; epoch: string; generation: string } | UnusableReason {
  const { position, epoch, generation } = head;
  if (position === null || epoch === null || generation === null) return 'missing';
  return position === TORN ? 'torn' : { position, epoch, generation };
}
