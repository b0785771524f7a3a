import type { Role } from '@quipu/access';
import type { Response } from 'light-my-request';
import { type SentEvent, startTestSystem, type TestSystem } from './test-system.js';

/** One node task of the original system. Times in ms. */
export interface CooprTask {
  /** Only `CREATE` and `DELETE` are edges of a node's life. */
  readonly type: string;
  readonly cluster: string;
  readonly node: string;
  readonly status: string;
  readonly statusTimeMs: number;
  readonly tenantId: string;
  readonly userId: string;
  readonly clusterTemplate: string;
}

/** One operation on a task queue of the original system. */
export interface QueueOperation {
  readonly op: 'add' | 'take' | 'recordProgress' | 'promote' | 'remove';
  readonly tenantId: string;
  readonly element?: string;
  readonly consumer?: string;
  readonly status?: string;
}

/** A request of a case. The key in its headers is a placeholder: the real one is put in its place. */
export interface CooprRequest {
  readonly method?: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[]>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What exists and what happened before the request. */
export interface CooprInput {
  readonly nowEpochSeconds?: number;
  readonly request?: CooprRequest;
  readonly tenants?: readonly { readonly id: string; readonly name: string }[];
  readonly tasks?: readonly CooprTask[];
  readonly queueOperations?: readonly QueueOperation[];
  readonly tenantId?: string;
}

const ROLES: Readonly<Record<string, Role>> = { 'superadmin/admin': 'superadmin' };

/** The role a user of the original system has here: `admin` administers its tenant, `admin` of superadmin all. */
export function roleOf(tenant: string, user: string): Role {
  return ROLES[`${tenant}/${user}`] ?? (user === 'admin' ? 'admin' : 'user');
}

/** Plays a case through the real queue and answers its requests. Stop it in the end. */
export class CooprPlay {
  private readonly secrets = new Map<string, string>();

  private constructor(private readonly system: TestSystem) {}

  /** Sets up tenants and users, and reports what happened. */
  static async of(input: CooprInput): Promise<CooprPlay> {
    const system = await startTestSystem({ now: (input.nowEpochSeconds ?? 1_700_000_000) * 1000 });
    const play = new CooprPlay(system);
    for (const { id, name } of input.tenants ?? []) {
      if (id !== 'superadmin') await system.tenants.create({ id, name });
    }
    const events = [...(input.tasks ?? []).flatMap(taskEvents), ...queueEvents(input.queueOperations ?? [])];
    if (events.length > 0) await system.report(events);
    return play;
  }

  /** Sends the request; `user` overrides the header's. */
  async send(request: CooprRequest, user?: string): Promise<Response> {
    const headers: Record<string, string> = { ...request.headers };
    if (user !== undefined) headers['Coopr-UserID'] = user;
    const secret = await this.secret(headers['Coopr-TenantID'], headers['Coopr-UserID']);
    if (headers['Coopr-ApiKey'] !== undefined && secret !== null) headers['Coopr-ApiKey'] = secret;
    return this.system.request({
      method: request.method ?? 'GET',
      url: request.path,
      query: request.query as Record<string, string>,
      headers,
    });
  }

  stop(): Promise<void> {
    return this.system.stop();
  }

  private async secret(tenant: string | undefined, user: string | undefined): Promise<string | null> {
    if (tenant === undefined || user === undefined) return null;
    const key = `${tenant}/${user}`;
    const known = this.secrets.get(key);
    if (known !== undefined) return known;
    const found = await this.system.tenants.findByIdThenName(tenant);
    const id = found?.id ?? (await this.system.tenants.create({ id: tenant })).id;
    const secret = await this.system.principal(id, user, roleOf(tenant, user));
    this.secrets.set(key, secret);
    return secret;
  }
}

/** A completed task is a node's edge; any other is a job that held no nodes. */
function taskEvents(task: CooprTask): SentEvent[] {
  const { tenantId: tenant, cluster, node, statusTimeMs: time, userId: user, clusterTemplate } = task;
  if (task.status !== 'COMPLETE') {
    const subject = `job/provision/${cluster}-${node}@${time}`;
    return [
      { type: 'job.queued', tenant, subject, time, data: { user } },
      { type: 'job.failed', tenant, subject, time, data: { user } },
    ];
  }
  if (task.type !== 'CREATE' && task.type !== 'DELETE') return [];
  const subject = `node/${cluster}/${node}`;
  const type = task.type === 'CREATE' ? 'node.allocated' : 'node.released';
  return [{ type, tenant, subject, time, data: { user, cluster, clusterTemplate } }];
}

/** Plays the original queue: the oldest unassigned element is taken; a failure puts it back; only its holder counts. */
function queueEvents(operations: readonly QueueOperation[]): SentEvent[] {
  const events: SentEvent[] = [];
  const elements = new Map<string, { holder: string | null }>();
  let time = 1_000;
  for (const { op, tenantId: tenant, element, consumer, status } of operations) {
    time += 1;
    const send = (type: string, name: string, data = {}): void =>
      void events.push({
        type,
        tenant,
        subject: `job/provisioner/${tenant}-${name}`,
        time,
        data: { queue: 'provisioner', ...data },
      });
    if (op === 'add') {
      elements.set(`${tenant}/${element}`, { holder: null });
      send('job.queued', element!);
    } else if (op === 'take') {
      const free = [...elements].find(([key, { holder }]) => key.startsWith(`${tenant}/`) && holder === null);
      if (free === undefined) continue;
      free[1].holder = consumer!;
      send('job.assigned', free[0].slice(tenant.length + 1), { worker: consumer });
    } else if (op === 'remove') {
      if (elements.delete(`${tenant}/${element}`)) send('job.removed', element!);
    } else if (op === 'recordProgress') {
      const held = elements.get(`${tenant}/${element}`);
      if (held?.holder !== consumer) continue;
      if (status === 'FAILED') {
        held!.holder = null;
        send('job.requeued', element!);
      } else if (status === 'FINISHED_SUCCESSFULLY') {
        elements.delete(`${tenant}/${element}`);
        send('job.completed', element!);
      }
    }
  }
  return events;
}
