import type { CurrentEvent } from '@quipu/contracts';
import { noContributions, type Contributions } from './contributions.js';
import type { EntityFold, Folded, Part, UserPart } from './entity-fold.js';
import { scopeLabel } from './naive-artifact.js';
import { add, flag } from './samples.js';

/** Folds the events of one workflow: all that counts of them is what their users did. */
export class NaiveWorkflow implements EntityFold {
  private readonly begun = new Map<string, { user: string; scope: string; time: number }>();

  constructor(private readonly tenant: string) {}

  add(event: CurrentEvent): void {
    if (event.type !== 'workflow.created') return;
    const { user, parent, scope = this.tenant } = event.data;
    if (user === undefined || parent !== undefined) return;
    const key = JSON.stringify([user, scope]);
    const time = Math.max(event.time, this.begun.get(key)?.time ?? -Infinity);
    this.begun.set(key, { user, scope, time });
  }

  close(): Folded {
    const { tenant } = this;
    const parts = [...this.begun.values()].map(({ user, scope, time }): Part => ({
      ...{ root: 'user', tenant, id: `user/${user}` },
      says: { began: { scope, time } },
    }));
    return { contributions: noContributions(), parts };
  }
}

/** Puts together what the record, identities and workflows say about one user. */
export class UserRoot {
  private record: { readonly active: boolean; readonly system: boolean } | undefined;
  private removed = false;
  private readonly issuers: string[] = [];
  private readonly activity = new Map<string, number>();

  constructor(
    private readonly tenant: string,
    private readonly subject: string,
  ) {}

  /** Takes one more part into account. */
  add(part: UserPart): void {
    if ('record' in part) this.record = part.record;
    else if ('removed' in part) this.removed = true;
    else if ('issuer' in part) this.issuers.push(part.issuer);
    else {
      const { scope, time } = part.began;
      this.activity.set(scope, Math.max(time, this.activity.get(scope) ?? -Infinity));
    }
  }

  /** What the user contributes. */
  contributions(): Contributions {
    const to = noContributions();
    const { tenant, subject: member, record } = this;
    if (this.removed) return to;
    if (record !== undefined) {
      const active = flag(record.active);
      if (!record.system) add(to, 'users', tenant, { active }, 1);
      for (const issuer of this.issuers) add(to, 'user_identities', tenant, { active, issuer }, 1);
    }
    for (const [scope, score] of this.activity) {
      const labels = scopeLabel(tenant, scope);
      to.members.push({ family: 'user_activity', tenant, labels, member, score });
      for (const issuer of new Set(this.issuers)) {
        const family = 'user_identities_activity';
        to.members.push({ family, tenant, labels: { issuer, ...labels }, member, score });
      }
    }
    return to;
  }
}
