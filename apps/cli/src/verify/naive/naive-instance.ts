import type { CurrentEvent } from '@quipu/contracts';
import { noContributions } from './contributions.js';
import type { EntityFold, Folded } from './entity-fold.js';
import { factSet, lastText } from './facts.js';
import { walkLife } from './life.js';
import { accrue, add } from './samples.js';

type InstanceEvent = CurrentEvent<'instance.launched' | 'instance.terminated'>;

/** Folds the events of one instance of a pool. */
export class NaiveInstance implements EntityFold {
  private readonly facts: InstanceEvent[] = [];

  constructor(private readonly tenant: string) {}

  add(event: CurrentEvent): void {
    if (event.type === 'instance.launched' || event.type === 'instance.terminated') this.facts.push(event);
  }

  close(): Folded {
    const contributions = noContributions();
    const lives = new Map<string | undefined, InstanceEvent[]>();
    for (const fact of factSet(this.facts)) {
      const life = lives.get(fact.data.life);
      if (life === undefined) lives.set(fact.data.life, [fact]);
      else life.push(fact);
    }
    let skewed = 0;
    for (const facts of lives.values()) {
      const life = walkLife(
        facts.map((fact) => ({ time: fact.time, kind: isStart(fact) ? 'start' : 'end' })),
      );
      if (life.skewed) skewed += 1;
      life.intervals.forEach((interval, index) => {
        if (interval.end === null && life.skewed) return;
        const next = life.intervals[index + 1]?.start ?? Infinity;
        const seen = facts.filter((fact) => fact.time < next || (fact.time === next && !isStart(fact)));
        const pool = lastText(seen, 'pool');
        const { tenant } = this;
        if (interval.end === null) add(contributions, 'quipu_instances', tenant, { pool: pool ?? '' }, 1);
        if (pool !== null) {
          accrue(contributions, 'worker_pool_runtime', tenant, { worker_pool: pool }, interval);
        }
      });
    }
    add(contributions, 'intervals_skewed', this.tenant, { kind: 'instance' }, skewed);
    return { contributions, parts: [] };
  }
}

function isStart(fact: InstanceEvent): boolean {
  return fact.type === 'instance.launched';
}
