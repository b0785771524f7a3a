import type { SentEvent } from './test-system.js';

const DAY_MS = 86_400_000;

/** A worker of the original: metadata set by an administrator rules over what the worker reports. */
interface DebusineWorker {
  readonly id?: string;
  readonly worker_type: string;
  readonly worker_pool?: string | null;
  readonly connected: boolean;
  readonly token_enabled?: boolean;
  readonly static_metadata?: Metadata;
  readonly dynamic_metadata?: Metadata;
  readonly runningWorkRequests?: number;
}

interface Metadata {
  readonly 'system:host_architecture'?: string;
  readonly 'system:architectures'?: readonly string[];
}

/** A work request of the original. */
interface WorkRequest {
  readonly task_type: string;
  readonly task_name: string;
  readonly status: string;
  readonly task_data: { readonly host_architecture?: string };
  readonly worker: string | null;
}

/** What exists before the request of a case. */
export interface DebusineInput {
  readonly request?: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> };
  readonly scopes?: readonly string[];
  readonly scope?: string;
  readonly artifacts?: readonly { category: string; scope: string }[];
  readonly fileStores?: readonly { name: string; backend: string; total_size: number; max_size: number }[];
  readonly groups?: readonly { name: string; scope: string; ephemeral: boolean }[];
  readonly tokens?: readonly { enabled: boolean; user: boolean; worker: boolean }[];
  readonly usersRootWorkflowAgesDays?: Readonly<Record<string, readonly number[]>>;
  readonly identities?: readonly { issuer: string; user?: null; userActive?: boolean }[];
  readonly users?: readonly { username: string; active: boolean }[];
  readonly pools?: readonly string[];
  readonly liveInstances?: readonly { pool: string | null; ageSeconds: number }[];
  readonly statistics?: readonly { pool: string; runtime: number }[];
  readonly workers?: readonly DebusineWorker[];
  readonly workflowTemplates?: readonly { task_name: string; scope: string }[];
  readonly workRequests?: readonly WorkRequest[];
}

/** Tenants of a case: its scopes. */
export function scopesOf(input: DebusineInput): string[] {
  return [...new Set([...(input.scopes ?? []), input.scope ?? 'debusine'])];
}

/** What happened, as our events tell it. @param now the instant of the request, ms */
export function debusineEvents(input: DebusineInput, now: number): SentEvent[] {
  const platform = 'superadmin';
  const home = input.scope ?? 'debusine';
  const before = now - 60_000;
  const set = (tenant: string, kind: string, id: string | number, data: object): SentEvent => ({
    ...{ type: `${kind}.set`, tenant, subject: `${kind}/${id}`, time: before },
    data: { ...data },
  });
  const instance = (name: string, pool: string | null, from: number, to: number | null): SentEvent[] => {
    const about = { tenant: platform, subject: `instance/${name}`, data: pool === null ? {} : { pool } };
    const launched = { type: 'instance.launched', ...about, time: from };
    return to === null ? [launched] : [launched, { type: 'instance.terminated', ...about, time: to }];
  };
  return [
    ...(input.artifacts ?? []).map(({ category, scope }, i) => ({
      ...{ type: 'artifact.created', tenant: scope, subject: `artifact/${i}`, time: before },
      data: { category },
    })),
    ...(input.fileStores ?? []).map(({ name, backend, total_size, max_size }) =>
      set(platform, 'file_store', name, { backend, totalSize: total_size, maxSize: max_size }),
    ),
    ...(input.groups ?? []).map(({ name, scope, ephemeral }) => set(scope, 'group', name, { ephemeral })),
    ...(input.tokens ?? []).map(({ enabled, user, worker }, i) =>
      set(home, 'token', i, { enabled, ...(user ? { user: 'u' } : {}), ...(worker ? { worker: 'w' } : {}) }),
    ),
    ...Object.entries(input.usersRootWorkflowAgesDays ?? {}).flatMap(([user, ages]) =>
      ages.map((days, i) => ({
        ...{ type: 'workflow.created', tenant: home, subject: `workflow/${user}-${i}` },
        ...{ time: now - days * DAY_MS, data: { user } },
      })),
    ),
    ...(input.identities ?? []).flatMap(({ issuer, userActive }, i) => [
      set(home, 'identity', i, { issuer, ...(userActive === undefined ? {} : { user: `holder-${i}` }) }),
      ...(userActive === undefined ? [] : [set(home, 'user', `holder-${i}`, { active: userActive })]),
    ]),
    ...(input.users ?? []).map(({ username, active }) =>
      set(home, 'user', username, { active, system: username === '_system' }),
    ),
    ...(input.pools ?? []).map((pool) => set(platform, 'worker_pool', pool, {})),
    ...(input.liveInstances ?? []).flatMap(({ pool, ageSeconds }, i) =>
      instance(`live-${i}`, pool, now - ageSeconds * 1000, null),
    ),
    ...(input.statistics ?? []).flatMap(({ pool, runtime }, i) =>
      instance(`past-${i}`, pool, now - DAY_MS, now - DAY_MS + runtime * 1000),
    ),
    ...(input.workflowTemplates ?? []).map(({ task_name, scope }, i) =>
      set(scope, 'workflow_template', i, { taskName: task_name }),
    ),
    ...(input.workers ?? []).flatMap((worker, i) => workerEvents(worker, worker.id ?? `w${i}`, home, before)),
    ...(input.workRequests ?? []).flatMap((request, i) => jobEvents(request, `job/work/${i}`, home, before)),
  ];
}

function workerEvents(worker: DebusineWorker, id: string, home: string, time: number): SentEvent[] {
  const { worker_type: type, worker_pool: pool, connected, token_enabled: enabled = true } = worker;
  const [fixed, reported] = [worker.static_metadata ?? {}, worker.dynamic_metadata ?? {}];
  const host = fixed['system:host_architecture'] ?? reported['system:host_architecture'];
  const architectures = fixed['system:architectures'] ?? reported['system:architectures'];
  const about = { tenant: 'superadmin', subject: `worker/${id}`, time };
  const data = {
    ...{ type, enabled },
    ...(pool === null || pool === undefined ? {} : { pool }),
    ...(host === undefined ? {} : { hostArchitecture: host }),
    ...(architectures === undefined ? {} : { architectures }),
  };
  const running = Array.from({ length: worker.runningWorkRequests ?? 0 }, (_, i) => {
    const request = { task_type: 'Signing', task_name: 'noop', status: 'running', task_data: {}, worker: id };
    return jobEvents(request, `job/${id}/${i}`, home, time);
  });
  return [
    { type: 'worker.registered', ...about, data },
    ...(connected ? [{ type: 'worker.connected', ...about }] : []),
    ...running.flat(),
  ];
}

function jobEvents(request: WorkRequest, subject: string, tenant: string, time: number): SentEvent[] {
  const { task_type: taskType, task_name: taskName, status, task_data, worker } = request;
  const { host_architecture: hostArchitecture } = task_data;
  const labels = hostArchitecture === undefined ? {} : { labels: { hostArchitecture } };
  const about = { tenant, subject };
  const held = worker === null ? {} : { worker };
  return [
    { type: 'job.queued', ...about, time, data: { taskType, taskName, ...labels } },
    ...(worker === null ? [] : [{ type: 'job.assigned', ...about, time: time + 1, data: held }]),
    ...(status === 'running' ? [{ type: 'job.started', ...about, time: time + 2, data: held }] : []),
  ];
}
