import { type Statement } from '@quipu/projection-engine';
import { type Amount, type Contributions, type LevelChange } from '../entities/types.js';
import { type LedgerSchema } from '../schema.js';
import { restoreLatest } from '../sql/restore-latest.js';
import { writeAmounts } from '../sql/write-amounts.js';
import { insertChanges, writeChanges } from '../sql/write-changes.js';
import { insertLevelSums, writeLevelSums } from '../sql/write-level-sums.js';
import { writeMembers } from '../sql/write-members.js';
import { writeUsageKeys } from '../sql/write-usage-keys.js';
import { AmountBatch, type AmountDelta } from './amount-batch.js';
import { type LevelBatch } from './level-batch.js';
import { MemberBatch, type MemberDelta } from './member-batch.js';
import { type UsageKey } from './usage-keys.js';

/** What the sums of a batch come to. */
export interface SumWrites {
  readonly statements: Statement[];
  readonly amounts: AmountDelta[];
  readonly members: MemberDelta[];
  /** Usage keys that are stored once the batch is committed. */
  readonly newKeys: readonly UsageKey[];
}

/** Nets `contributions(after) − contributions(before)` over the entities of a batch. */
export class ContributionBatch {
  private readonly amounts = new AmountBatch();
  private readonly members = new MemberBatch();

  /** @param levels emptied before; the batch is its only user until `finish`. */
  constructor(private readonly levels: LevelBatch) {}

  /** Replaces what an entity contributed by what it contributes now. */
  replace(before: Contributions, after: Contributions): void {
    const alike = commonAmounts(before.amounts, after.amounts);
    for (let i = alike; i < before.amounts.length; i++) this.amounts.add(before.amounts[i]!, -1);
    for (let i = alike; i < after.amounts.length; i++) this.amounts.add(after.amounts[i]!, 1);
    for (const member of before.members) this.members.before(member);
    for (const member of after.members) this.members.after(member);
    // History grows at its end: what is alike at the beginning need not be netted.
    const same = commonPrefix(before.changes, after.changes);
    for (let i = same; i < before.changes.length; i++) this.levels.add(before.changes[i]!, -1);
    for (let i = same; i < after.changes.length; i++) this.levels.add(after.changes[i]!, 1);
  }

  /** Nets the levels; answers with the keys whose `latest` should be filled in before `finish`. */
  net(): UsageKey[] {
    return this.levels.net();
  }

  /** The statements that write the sums, in the order they must run in; after `net`. */
  finish(schema: LedgerSchema): SumWrites {
    const amounts = this.amounts.finish();
    const members = this.members.finish();
    const { changes, sums, lowered, newKeys } = this.levels.finish();
    const statements: Statement[] = [];
    if (newKeys.length > 0) statements.push(writeUsageKeys(schema, newKeys));
    if (amounts.length > 0) statements.push(writeAmounts(schema, amounts));
    if (members.length > 0) statements.push(writeMembers(schema, members));
    if (changes.fresh.t.length > 0) statements.push(insertChanges(schema, changes.fresh));
    if (changes.known.t.length > 0) statements.push(writeChanges(schema, changes.known));
    if (sums.fresh.bucket.length > 0) statements.push(insertLevelSums(schema, sums.fresh));
    if (sums.known.bucket.length > 0) statements.push(writeLevelSums(schema, sums.known));
    for (const place of lowered) statements.push(restoreLatest(schema, place));
    return { statements, amounts, members, newKeys };
  }
}

function commonAmounts(a: readonly Amount[], b: readonly Amount[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i]!.series === b[i]!.series && a[i]!.value === b[i]!.value) i++;
  return i;
}

function commonPrefix(a: readonly LevelChange[], b: readonly LevelChange[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && sameChange(a[i]!, b[i]!)) i++;
  return i;
}

function sameChange(a: LevelChange, b: LevelChange): boolean {
  return a.t === b.t && a.d === b.d && a.level === b.level && (a.dims === b.dims || sameDims(a.dims, b.dims));
}

function sameDims(a: LevelChange['dims'], b: LevelChange['dims']): boolean {
  return (
    a.tenant === b.tenant &&
    a.user === b.user &&
    a.queue === b.queue &&
    a.cluster === b.cluster &&
    a.template === b.template &&
    a.provider === b.provider &&
    a.hardware === b.hardware &&
    a.image === b.image &&
    a.services.length === b.services.length &&
    a.services.every((service, i) => service === b.services[i])
  );
}
