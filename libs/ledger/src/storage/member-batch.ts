import { type Member, type Series } from '../entities/types.js';

/** What a batch does to one member: null where it is not in the set. */
export interface MemberDelta extends Series {
  readonly member: string;
  before: number | null;
  after: number | null;
}

/** Nets the memberships of a batch. A member belongs to one entity, so what it was and what it is suffice. */
export class MemberBatch {
  private readonly deltas = new Map<string, MemberDelta>();

  /** A membership as it was before the batch. */
  before(member: Member): void {
    this.deltaOf(member).before = member.score;
  }

  /** A membership as it is after the batch. */
  after(member: Member): void {
    this.deltaOf(member).after = member.score;
  }

  /** The members that the batch adds, removes or scores anew. */
  finish(): MemberDelta[] {
    return [...this.deltas.values()].filter((delta) => delta.before !== delta.after);
  }

  private deltaOf({ series: { family, tenant, labels }, member }: Member): MemberDelta {
    const name = `${family}\0${tenant}\0${labels}\0${member}`;
    let delta = this.deltas.get(name);
    if (delta === undefined) {
      delta = { family, tenant, labels, member, before: null, after: null };
      this.deltas.set(name, delta);
    }
    return delta;
  }
}
