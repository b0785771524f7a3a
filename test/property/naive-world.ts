import { upcast, type CurrentEvent, type LogEvent } from '@quipu/contracts';
import { noContributions, type Contributions } from '../../apps/cli/src/verify/naive/contributions.js';
import { naiveJob, type Hold } from '../../apps/cli/src/verify/naive/naive-job.js';
import { naiveNode } from '../../apps/cli/src/verify/naive/naive-node.js';
import { NaiveWorker } from '../../apps/cli/src/verify/naive/naive-worker.js';

/** What the naive fold makes of all events of a world, the entities one after the other. */
export function naiveWorld(events: readonly LogEvent[]): Contributions {
  const entities = new Map<string, { tenant: string; subject: string; facts: CurrentEvent[] }>();
  for (const event of events) {
    const key = JSON.stringify([event.tenant, event.subject]);
    const entity = entities.get(key) ?? { tenant: event.tenant, subject: event.subject, facts: [] };
    entity.facts.push(upcast(event));
    entities.set(key, entity);
  }
  const total = noContributions();
  const holds: Hold[] = [];
  const workers: { tenant: string; subject: string; worker: NaiveWorker }[] = [];
  for (const { tenant, subject, facts } of entities.values()) {
    if (subject.startsWith('job/')) {
      const { contributions, hold } = naiveJob(tenant, subject, facts);
      append(total, contributions);
      if (hold !== null) holds.push(hold);
    } else if (subject.startsWith('node/')) {
      append(total, naiveNode(tenant, subject, facts));
    } else {
      const worker = new NaiveWorker();
      for (const fact of facts) worker.add(fact);
      workers.push({ tenant, subject, worker });
    }
  }
  for (const { tenant, subject, worker } of workers) {
    const held = holds.some((hold) => hold.tenant === tenant && `worker/${hold.worker}` === subject);
    append(total, worker.contributions(tenant, held));
  }
  return total;
}

/** Adds the contributions of `more` to `total`. */
export function append(total: Contributions, more: Contributions): void {
  total.amounts.push(...more.amounts);
  total.members.push(...more.members);
  total.changes.push(...more.changes);
}
