import {
  type QueueStanding,
  QueueQueries,
  UsageQueries,
  WorkerQueries,
  type WorkerRow,
} from '@quipu/read-models';
import { openDepth } from '../support/depth.js';
import { localScope } from '../support/scope.js';
import { type Services } from '../support/services.js';

/** One tenant at a glance. */
export interface TopTenant {
  readonly tenant: string;
  readonly queued: number;
  readonly inProgress: number;
  /** Jobs per minute, over five minutes. */
  readonly arrivals: number;
  readonly completions: number;
  /** Nodes it holds now. */
  readonly nodes: bigint;
}

/** Everything one frame shows. */
export interface TopData {
  /** The instant, ms. */
  readonly now: number;
  readonly position: bigint;
  readonly tenants: readonly TopTenant[];
  readonly queues: readonly QueueStanding[];
  readonly workers: readonly WorkerRow[];
}

/** Asks for what a frame shows, again and again on the same connections. */
export type TopReader = (now: number) => Promise<TopData>;

/** A reader for the time of a command. @param tenant the id of the one tenant to look at; undefined: all. */
export function topReader(services: Services, tenant: string | undefined): TopReader {
  const { pool } = services;
  const queues = new QueueQueries(pool, openDepth(services));
  const workers = new WorkerQueries(pool);
  const usage = new UsageQueries(pool);
  const filters = tenant === undefined ? {} : { tenant };
  return async (now) => {
    const scope = localScope();
    const [flow, fleet, levels] = await Promise.all([
      queues.queues(scope, now, filters),
      workers.workers(scope, { now, ...filters }),
      usage.levels(scope, { level: 'nodes', now, at: [now], groupBy: ['tenant'], filters }),
    ]);
    const nodes = new Map(levels.rows.map(({ group, total }) => [group.tenant ?? '', total]));
    const position = [fleet.position, levels.position].reduce((a, b) => (b < a ? b : a), flow.position);
    return {
      ...{ now, position, queues: flow.rows, workers: fleet.rows },
      tenants: tenantsOf(flow.rows, nodes),
    };
  };
}

/** Adds queues up by tenant; tenants that only hold nodes are there too. */
export function tenantsOf(queues: readonly QueueStanding[], nodes: ReadonlyMap<string, bigint>): TopTenant[] {
  return [...new Set([...queues.map(({ tenant }) => tenant), ...nodes.keys()])].map((tenant) => {
    const own = queues.filter((row) => row.tenant === tenant);
    const sum = (pick: (row: QueueStanding) => number): number =>
      own.reduce((all, row) => all + pick(row), 0);
    return {
      ...{ tenant, nodes: nodes.get(tenant) ?? 0n },
      ...{ queued: sum((row) => row.queued), inProgress: sum((row) => row.inProgress) },
      arrivals: sum((row) => row.arrivals[1]),
      completions: sum((row) => row.completions[1]),
    };
  });
}
