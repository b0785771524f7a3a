import { upcast, type LogEvent } from '@quipu/contracts';
import {
  type Contributions as LedgerContributions,
  entityKinds,
  route,
  type EntityKey,
  type EntityKind,
  type EntityKindName,
  type Link,
  type Series,
} from '@quipu/ledger';
import { noContributions, type Contributions } from '../../apps/cli/src/verify/naive/contributions.js';
import { append } from './naive-world.js';

/** An entity of any kind: the state belongs to the kind. */
interface Held {
  readonly key: EntityKey;
  state: unknown;
}

/**
 * What the ledger's entities make of `batches`, one after the other, the way a projection folds them:
 * states survive as JSON between batches, links are told to their targets when a batch changes them.
 */
export function ledgerWorld(batches: readonly (readonly LogEvent[])[]): Contributions {
  const entities = new Map<string, Held>();
  const held = (key: EntityKey): Held => {
    const name = JSON.stringify([key.tenant, key.kind, key.id]);
    const entity = entities.get(name) ?? { key, state: kindOf(key.kind).empty(key) };
    entities.set(name, entity);
    return entity;
  };

  for (const batch of batches) {
    const before = new Map<Held, readonly Link[]>();
    for (const event of batch) {
      const fact = upcast(event);
      for (const key of route(fact)) {
        const entity = held(key);
        if (!before.has(entity)) before.set(entity, kindOf(key.kind).links(key, entity.state));
        entity.state = kindOf(key.kind).merge(entity.state, fact);
      }
    }
    for (const [entity, old] of before) {
      const now = kindOf(entity.key.kind).links(entity.key, entity.state);
      tell(old, now, false);
      tell(now, old, true);
    }
    for (const entity of entities.values()) {
      entity.state = JSON.parse(JSON.stringify(entity.state)) as unknown;
    }
  }

  /** Tells the targets of those of `links` that are not among `others`. */
  function tell(links: readonly Link[], others: readonly Link[], present: boolean): void {
    const left = others.map((link) => JSON.stringify(link));
    for (const link of links) {
      // Two runs of one length on one worker are two links.
      const at = left.indexOf(JSON.stringify(link));
      if (at >= 0) {
        left.splice(at, 1);
        continue;
      }
      const target = held(link.target);
      target.state = kindOf(target.key.kind).linked(target.state, link, present);
    }
  }

  const total = noContributions();
  for (const { key, state } of entities.values()) {
    append(total, plain(kindOf(key.kind).contributions(key, state)));
  }
  return total;
}

/** Contributions with labels as objects, as the naive fold has them. */
function plain({ amounts, members, changes }: LedgerContributions): Contributions {
  const of = <T extends { series: Series }>({ series, ...rest }: T) => ({
    ...{ family: series.family, tenant: series.tenant },
    labels: JSON.parse(series.labels) as Record<string, string>,
    ...rest,
  });
  return {
    amounts: amounts.map(of),
    members: members.map(of),
    changes,
  };
}

function kindOf(kind: EntityKindName): EntityKind<unknown> {
  return entityKinds[kind];
}
