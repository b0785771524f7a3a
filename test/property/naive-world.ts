import { upcast, type LogEvent } from '@quipu/contracts';
import { noContributions, type Contributions } from '../../apps/cli/src/verify/naive/contributions.js';
import type { EntityFold } from '../../apps/cli/src/verify/naive/entity-fold.js';
import { foldOf, kindOf, Root } from '../../apps/cli/src/verify/naive/folds.js';
import { JOB_BOUNDS } from '../../apps/cli/src/verify/naive/job-metrics.js';

/** What the naive fold makes of all events of a world, the entities one after the other. */
export function naiveWorld(events: readonly LogEvent[]): Contributions {
  const total = noContributions();
  const entities = new Map<string, EntityFold | null>();
  const identities = new Set<string>();
  for (const event of events) {
    const { tenant, subject, source, id, type } = event;
    const identity = JSON.stringify([tenant, source, id]);
    if (identities.has(identity)) continue;
    identities.add(identity);
    total.amounts.push({ family: 'quipu_events', tenant, labels: { type }, value: 1 });
    const kind = kindOf(type);
    const key = JSON.stringify([tenant, kind, subject]);
    if (!entities.has(key)) entities.set(key, foldOf(kind, tenant, subject, JOB_BOUNDS));
    entities.get(key)?.add(upcast(event));
  }
  const roots = new Map<string, Root>();
  for (const entity of entities.values()) {
    const { contributions, parts } = entity?.close() ?? { contributions: noContributions(), parts: [] };
    append(total, contributions);
    for (const part of parts) {
      const key = JSON.stringify([part.root, part.tenant, part.id]);
      const root = roots.get(key) ?? new Root(part.root, part.tenant, part.id);
      root.add(part);
      roots.set(key, root);
    }
  }
  for (const root of roots.values()) append(total, root.contributions());
  return total;
}

/** Adds the contributions of `more` to `total`. */
export function append(total: Contributions, more: Contributions): void {
  total.amounts.push(...more.amounts);
  total.members.push(...more.members);
  total.changes.push(...more.changes);
}
