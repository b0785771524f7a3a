import { upcast, type CurrentEvent } from '@quipu/contracts';
import type { PoolClient } from 'pg';
import type { ExpectedWriter } from './expected-writer.js';
import { type LogSource, pagesByEntity } from './log-reader.js';
import { naiveJob } from './naive/naive-job.js';
import { naiveNode } from './naive/naive-node.js';
import { NaiveWorker } from './naive/naive-worker.js';

/** How much was folded. */
export interface FoldCounts {
  events: number;
  skipped: number;
  jobs: number;
  nodes: number;
  workers: number;
}

/**
 * Folds the log up to `position`, one entity after the other, and hands the contributions to `writer`.
 * Positions in the table `skipped` are left out. Holds the events of one job or node at a time.
 */
export async function foldLog(
  client: PoolClient,
  position: bigint,
  writer: ExpectedWriter,
  progress: (events: number) => void,
  source: LogSource = 'log',
): Promise<FoldCounts> {
  const skips = await readSkips(client);
  const counts: FoldCounts = { events: 0, skipped: 0, jobs: 0, nodes: 0, workers: 0 };
  let entity: OpenEntity | null = null;
  for await (const page of pagesByEntity(client, source, position)) {
    for (const { position: at, event } of page) {
      if (entity === null || entity.tenant !== event.tenant || entity.subject !== event.subject) {
        entity?.close(writer, counts);
        entity = new OpenEntity(event.tenant, event.subject);
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
class OpenEntity {
  private readonly job: CurrentEvent[] = [];
  private readonly node: CurrentEvent[] = [];
  private worker: NaiveWorker | undefined;

  constructor(
    readonly tenant: string,
    readonly subject: string,
  ) {}

  add(event: CurrentEvent): void {
    // A job that reports its progress every second must not fill the memory with what corrects nothing.
    if (event.type.startsWith('job.') && event.type !== 'job.progressed') this.job.push(event);
    if (event.type.startsWith('node.')) this.node.push(event);
    if (event.type.startsWith('worker.')) {
      this.worker ??= new NaiveWorker();
      this.worker.add(event);
    }
  }

  close(writer: ExpectedWriter, counts: FoldCounts): void {
    if (this.job.length > 0) {
      counts.jobs += 1;
      const { contributions, hold } = naiveJob(this.tenant, this.subject, this.job);
      writer.add(contributions);
      if (hold !== null) writer.addHold(hold);
    }
    if (this.node.length > 0) {
      counts.nodes += 1;
      writer.add(naiveNode(this.tenant, this.subject, this.node));
    }
    if (this.worker !== undefined) {
      counts.workers += 1;
      writer.addWorker(this.tenant, this.subject, this.worker);
    }
  }
}

async function readSkips(client: PoolClient): Promise<Set<bigint>> {
  const { rows } = await client.query<{ position: string }>('SELECT position FROM skipped');
  return new Set(rows.map((row) => BigInt(row.position)));
}
