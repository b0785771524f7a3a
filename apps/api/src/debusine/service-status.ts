import type { Totals, TotalsFamily } from '@quipu/read-models';
import { Turns } from '../metrics/breathe.js';
import type { MetricsView } from '../metrics/metrics-view.js';

/** Tasks that wait and that run. */
interface TaskSummary {
  pending: number;
  running: number;
}

/** Workers that may take tasks; idle and busy only among those that are connected. */
interface WorkerSummary {
  registered: number;
  connected: number;
  idle: number;
  busy: number;
}

/** Debusine's service status. The key `null` is for tasks without an architecture. */
export interface ServiceStatus {
  readonly tasks: Record<string, TaskSummary>;
  readonly workers: Record<string, WorkerSummary>;
  readonly worker_tasks: Record<string, TaskSummary>;
  readonly external_workers_arch: Record<string, WorkerSummary>;
  readonly external_workers_host_arch: Record<string, WorkerSummary>;
  readonly worker_tasks_arch: Record<string, TaskSummary>;
}

const TASK_TYPES = ['Internal', 'Server', 'Signing', 'Wait', 'Worker', 'Workflow'];
const WORKER_TYPES = ['celery', 'external', 'signing'];
/** Which workers take the tasks of a type. */
const WORKERS_OF: Readonly<Record<string, string>> = {
  Server: 'celery',
  Signing: 'signing',
  Worker: 'external',
};
const NO_ARCHITECTURE = 'null';
const REQUESTS = 'work_requests';
const ARCHITECTURE = 'architecture_';

/** Counts by name; rows appear as they are asked for. Without a prototype, so that any name is a name. */
class Rows<T extends TaskSummary | WorkerSummary> {
  readonly rows = Object.create(null) as Record<string, T>;

  constructor(
    private readonly empty: () => T,
    names: readonly string[] = [],
  ) {
    for (const name of names) this.of(name);
  }

  of(name: string): T {
    return (this.rows[name] ??= this.empty());
  }
}

const noTasks = (): TaskSummary => ({ pending: 0, running: 0 });
const noWorkers = (): WorkerSummary => ({ registered: 0, connected: 0, idle: 0, busy: 0 });

/** Most views whose status is kept. */
const MOST_KEPT = 64;

interface Known {
  readonly position: bigint;
  readonly requests: TotalsFamily;
  readonly status: ServiceStatus;
}

/** Statuses by view. One is answered again until the totals move: nothing in it depends on the time. */
export class ServiceStatuses {
  private readonly known = new Map<string, Known>();

  /** The status of what a view sees. */
  async of(totals: Totals, view: MetricsView): Promise<ServiceStatus> {
    const { position } = totals;
    // Totals that were loaded anew are another object, whatever their position.
    const requests = totals.family(REQUESTS);
    const known = this.known.get(view.key);
    if (known?.position === position && known.requests === requests) return known.status;
    const status = await serviceStatus(totals, view);
    this.known.delete(view.key);
    this.known.set(view.key, { position, requests, status });
    const oldest = this.known.keys().next();
    if (this.known.size > MOST_KEPT && !oldest.done) this.known.delete(oldest.value);
    return status;
  }
}

/** Makes the status of what a view sees, from running totals. */
export async function serviceStatus(totals: Totals, view: MetricsView): Promise<ServiceStatus> {
  const turns = new Turns();
  const tasks = new Rows(noTasks, TASK_TYPES);
  const workerTasks = new Rows(noTasks, WORKER_TYPES);
  const tasksArch = new Rows(noTasks);
  const workers = new Rows(noWorkers, WORKER_TYPES);
  const workersArch = new Rows(noWorkers);
  const workersHostArch = new Rows(noWorkers);
  for (const { tenant, labels, value } of totals.family(REQUESTS).series.values()) {
    if (turns.due()) await turns.take();
    const { task_type: type = '', status, host_architecture: architecture = '' } = labels;
    if ((status !== 'pending' && status !== 'running') || !view.sees(tenant, 'tenant')) continue;
    const count = Number(value);
    if (type !== '') tasks.of(type)[status] += count;
    const worker = Object.hasOwn(WORKERS_OF, type) ? WORKERS_OF[type] : undefined;
    if (worker !== undefined) workerTasks.of(worker)[status] += count;
    if (type === 'Worker')
      tasksArch.of(architecture === '' ? NO_ARCHITECTURE : architecture)[status] += count;
  }
  for (const { tenant, labels, value } of totals.family('workers_enabled').series.values()) {
    if (turns.due()) await turns.take();
    if (!view.sees(tenant, 'fleet')) continue;
    const { connected, busy, worker_type: type = '', host_architecture: host = '' } = labels;
    const add = (row: WorkerSummary): void => {
      const count = Number(value);
      row.registered += count;
      if (connected !== '1') return;
      row.connected += count;
      row[busy === '1' ? 'busy' : 'idle'] += count;
    };
    if (type !== '') add(workers.of(type));
    if (type !== 'external') continue;
    if (host !== '') add(workersHostArch.of(host));
    for (const name of Object.keys(labels)) {
      if (name.startsWith(ARCHITECTURE)) add(workersArch.of(name.slice(ARCHITECTURE.length)));
    }
  }
  // An architecture that only tasks know has a row without workers, and the reverse.
  for (const name of Object.keys(tasksArch.rows)) if (name !== NO_ARCHITECTURE) workersArch.of(name);
  for (const name of Object.keys(workersArch.rows)) tasksArch.of(name);
  return {
    tasks: sorted(tasks.rows),
    workers: sorted(workers.rows),
    worker_tasks: sorted(workerTasks.rows),
    external_workers_arch: sorted(workersArch.rows),
    external_workers_host_arch: sorted(workersHostArch.rows),
    worker_tasks_arch: sorted(tasksArch.rows),
  };
}

function sorted<T>(rows: Record<string, T>): Record<string, T> {
  const ordered = Object.create(null) as Record<string, T>;
  for (const name of Object.keys(rows).sort()) ordered[name] = rows[name]!;
  return ordered;
}
