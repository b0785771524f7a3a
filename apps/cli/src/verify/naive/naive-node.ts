import type { CurrentEvent, EventType } from '@quipu/contracts';
import { addInterval, noContributions, type Contributions } from './contributions.js';
import { compareTexts, factSet, lastCarried, lastText } from './facts.js';
import { walkLife } from './life.js';
import { accrue } from './samples.js';

type NodeEvent = CurrentEvent<Extract<EventType, `node.${string}`>>;

/** Folds the events of one node (in any order, repeated or not) into its contributions. */
export function naiveNode(tenant: string, subject: string, events: readonly CurrentEvent[]): Contributions {
  const lives = new Map<string | undefined, NodeEvent[]>();
  for (const event of factSet(events)) {
    if (event.type !== 'node.allocated' && event.type !== 'node.released') continue;
    const life = lives.get(event.data.life);
    if (life === undefined) lives.set(event.data.life, [event]);
    else life.push(event);
  }

  const result = noContributions();
  let open = 0;
  let skewed = 0;
  for (const facts of lives.values()) {
    const life = walkLife(facts.map((fact) => ({ time: fact.time, kind: isStart(fact) ? 'start' : 'end' })));
    if (life.skewed) skewed += 1;
    life.intervals.forEach((interval, index) => {
      if (interval.end === null && life.skewed) return;
      if (interval.end === null) open += 1;
      const next = life.intervals[index + 1]?.start ?? null;
      const seen = facts.filter((fact) => precedes(fact, next));
      addInterval(result, 'nodes', dimensions(tenant, subject, seen), interval, 1);
      accrue(result, 'quipu_node_seconds', tenant, {}, interval);
    });
  }
  if (open > 0) result.amounts.push({ family: 'nodes', tenant, labels: {}, value: open });
  if (skewed > 0) {
    result.amounts.push({ family: 'intervals_skewed', tenant, labels: { kind: 'node' }, value: skewed });
  }
  return result;
}

function isStart(fact: NodeEvent): boolean {
  return fact.type === 'node.allocated';
}

/** Whether a fact of the life is told before the interval that opens at `next`; null: no interval follows. */
function precedes(fact: NodeEvent, next: number | null): boolean {
  return next === null || fact.time < next || (fact.time === next && !isStart(fact));
}

function dimensions(tenant: string, subject: string, facts: readonly NodeEvent[]) {
  const services = lastCarried(facts, 'services');
  return {
    tenant,
    user: lastText(facts, 'user'),
    queue: null,
    cluster: lastText(facts, 'cluster') ?? clusterOf(subject),
    template: lastText(facts, 'clusterTemplate'),
    provider: lastText(facts, 'provider'),
    hardware: lastText(facts, 'hardwareType'),
    image: lastText(facts, 'imageType'),
    services: Array.isArray(services) ? [...new Set(services.map(String))].sort(compareTexts) : [],
  };
}

/** The second part of a subject `node/<cluster>/<id>`; null for a subject of another shape. */
function clusterOf(subject: string): string | null {
  return /^node\/([^/]+)\//.exec(subject)?.[1] ?? null;
}
