import type { CurrentEvent, EventType } from '@quipu/contracts';
import { compareRanked } from './facts.js';
import { LatestFact } from './latest.js';
import type { Span } from './spans.js';

/** An event whose type begins with `worker.`. */
export type WorkerEvent = CurrentEvent<Extract<EventType, `worker.${string}`>>;

const RANKS: Readonly<Record<string, number>> = {
  'worker.connected': 0,
  'worker.heartbeat': 1,
  'worker.lost': 2,
  'worker.disconnected': 3,
};

/**
 * The connections of one life of a worker. Of heartbeats and of estimated losses it keeps the greatest alone, because a
 * worker sends the former for years, and may be thought lost after each.
 */
export class WorkerLife {
  private readonly edges: CurrentEvent[] = [];
  private readonly heartbeat = new LatestFact<CurrentEvent>(compareSigns);
  /** When a connection was estimated to be lost, by the time at which it began; undefined: nobody said. */
  private readonly losses = new Map<number | undefined, number>();

  /** Takes one more fact of this life into account; those that say nothing about connections change nothing. */
  add(event: WorkerEvent): void {
    if (event.type === 'worker.lost' && event.data.estimated === true) {
      const since = event.data.since === undefined ? undefined : Date.parse(event.data.since);
      this.losses.set(since, Math.max(event.time, this.losses.get(since) ?? -Infinity));
    } else if (event.type === 'worker.heartbeat') {
      this.heartbeat.add(event);
    } else if (event.type in RANKS) {
      this.edges.push(event);
    }
  }

  /** When it was connected; one span per connection, and some of them may be empty. */
  connections(): Span[] {
    const edges = [...this.edges].sort(compareSigns);
    return edges.flatMap((edge, index): Span[] => {
      if (edge.type !== 'worker.connected') return [];
      const start = edge.time;
      const next = edges[index + 1];
      const lost = this.losses.get(start);
      const stands = lost !== undefined && lost >= start && this.stands(lost, next);
      return [{ start, end: stands ? lost : (next?.time ?? null) }];
    });
  }

  /** Whether nothing shows that a connection, after which `next` comes, lasted longer than until it was thought lost. */
  private stands(lost: number, next: CurrentEvent | undefined): boolean {
    if (next !== undefined) return next.type === 'worker.connected' && lost < next.time;
    const heard = this.heartbeat.latest?.time;
    return heard === undefined || heard <= lost;
  }

  /** Whether the last that was heard of it says that it is there. */
  isInTouch(): boolean {
    const lastEdge = [...this.edges].sort(compareSigns).at(-1);
    const signs = [lastEdge, this.heartbeat.latest].filter((sign) => sign !== undefined);
    const last = signs.sort(compareSigns).at(-1);
    if (last === undefined) return false;
    if (last.type !== 'worker.connected' && last.type !== 'worker.heartbeat') return false;
    const lost = this.losses.get(lastEdge?.type === 'worker.connected' ? lastEdge.time : undefined);
    return lost === undefined || lost < last.time;
  }
}

function compareSigns(a: CurrentEvent, b: CurrentEvent): number {
  return compareRanked(a, b, (fact) => RANKS[fact.type] ?? 0);
}
