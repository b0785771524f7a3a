import { upcast, type CurrentEvent } from '@quipu/contracts';
import type { PoolClient } from 'pg';
import type { ExpectedWriter } from './expected-writer.js';
import { type LogSource, pagesByEntity } from './log-reader.js';
import type { EntityFold } from './naive/entity-fold.js';
import { foldOf, kindOf } from './naive/folds.js';
import { JOB_BOUNDS, type JobBounds } from './naive/job-metrics.js';

/** How much was folded. */
export interface FoldCounts {
  events: number;
  skipped: number;
  jobs: number;
  nodes: number;
  workers: number;
  /** Entities of all other kinds. */
  others: number;
}

/**
 * Folds the log up to `position`, one entity after the other, and hands the contributions to `writer`.
 * Positions in the table `skipped` are left out. Holds the events of one job, node or instance at a time.
 */
export async function foldLog(
  client: PoolClient,
  position: bigint,
  writer: ExpectedWriter,
  progress: (events: number) => void,
  { source = 'log', bounds = JOB_BOUNDS }: { source?: LogSource; bounds?: JobBounds } = {},
): Promise<FoldCounts> {
  const skips = await readSkips(client);
  const counts: FoldCounts = { events: 0, skipped: 0, jobs: 0, nodes: 0, workers: 0, others: 0 };
  let entity: OpenSubject | null = null;
  for await (const page of pagesByEntity(client, source, position)) {
    for (const { position: at, event } of page) {
      if (entity === null || entity.tenant !== event.tenant || entity.subject !== event.subject) {
        entity?.close(writer, counts);
        entity = new OpenSubject(event.tenant, event.subject, bounds);
      }
      if (skips.has(at)) {
        counts.skipped += 1;
        continue;
      }
      counts.events += 1;
      entity.add(upcast(event));
    }
    await writer.flushIfLarge();
    progress(counts.events);
  }
  entity?.close(writer, counts);
  await writer.flush();
  return counts;
}

/** The events of one subject of a tenant, which the kinds of entities share. */
class OpenSubject {
  private readonly folds = new Map<string, EntityFold | null>();
  private readonly types = new Map<string, number>();

  constructor(
    readonly tenant: string,
    readonly subject: string,
    private readonly bounds: JobBounds,
  ) {}

  add(event: CurrentEvent): void {
    this.types.set(event.type, (this.types.get(event.type) ?? 0) + 1);
    const kind = kindOf(event.type);
    let fold = this.folds.get(kind);
    if (fold === undefined) {
      fold = foldOf(kind, this.tenant, this.subject, this.bounds);
      this.folds.set(kind, fold);
    }
    fold?.add(event);
  }

  close(writer: ExpectedWriter, counts: FoldCounts): void {
    for (const [kind, fold] of this.folds) {
      if (fold === null) continue;
      counts[COUNTED[kind] ?? 'others'] += 1;
      writer.add(fold.close());
    }
    for (const [type, value] of this.types) {
      writer.addAmount({ family: 'quipu_events', tenant: this.tenant, labels: { type }, value });
    }
  }
}

const COUNTED: Readonly<Record<string, 'jobs' | 'nodes' | 'workers'>> = {
  job: 'jobs',
  node: 'nodes',
  worker: 'workers',
};

async function readSkips(client: PoolClient): Promise<Set<bigint>> {
  const { rows } = await client.query<{ position: string }>('SELECT position FROM skipped');
  return new Set(rows.map((row) => BigInt(row.position)));
}
