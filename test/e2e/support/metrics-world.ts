import { DAY, NOW } from './small-events.js';
import type { SentEvent } from './test-system.js';

/**
 * A little of everything that metrics are made of, all of it named after its tenant: whatever of one tenant shows in an
 * exposition can be told from the text. With deletions, changes of labels and late facts.
 */
export function worldOf(tenant: string): SentEvent[] {
  const name = (what: string): string => `${what}-of-${tenant}`;
  const about = (kind: string, id: string | number): { tenant: string; subject: string } => ({
    ...{ tenant, subject: `${kind}/${name(String(id))}` },
  });
  const at = (seconds: number): number => NOW - seconds * 1000;
  const job = (i: number, more: object = {}): object => ({
    ...{ queue: name(`queue${i % 2}`), taskType: 'Worker', taskName: name('task'), user: name('user') },
    ...more,
  });
  return [
    { type: 'tenant.set', ...about('tenant', 't'), time: at(9000), data: {} },
    { type: 'job.queued', ...about('job', 1), time: at(900), data: job(1) },
    { type: 'job.queued', ...about('job', 2), time: at(800), data: job(2, { nodes: 3 }) },
    { type: 'job.assigned', ...about('job', 2), time: at(700), data: { worker: name('worker') } },
    { type: 'job.started', ...about('job', 2), time: at(600) },
    { type: 'job.queued', ...about('job', 3), time: at(500), data: job(3) },
    { type: 'job.started', ...about('job', 3), time: at(490) },
    { type: 'job.failed', ...about('job', 3), time: at(450), data: { final: false } },
    {
      type: 'job.started',
      ...about('job', 3),
      time: at(440),
      data: { attempt: 2, labels: { backend: name('backend') } },
    },
    {
      type: 'job.completed',
      ...about('job', 3),
      time: at(400),
      data: { attempt: 2, statistics: { duration: 7.5 } },
    },
    {
      type: 'job.queued',
      ...about('job', 4),
      time: at(300),
      data: job(4, { delayUntil: new Date(NOW + DAY).toISOString() }),
    },
    { type: 'job.queued', ...about('job', 5), time: at(290), data: job(5) },
    { type: 'job.removed', ...about('job', 5), time: at(100) },
    { type: 'node.allocated', ...about('node', 1), time: at(5000), data: { user: name('user') } },
    { type: 'node.released', ...about('node', 1), time: at(4000) },
    { type: 'node.allocated', ...about('node', 1), time: at(3000) },
    {
      ...{ type: 'worker.registered', ...about('worker', 'worker'), time: at(2000) },
      data: {
        type: 'external',
        pool: name('pool'),
        hostArchitecture: name('arch'),
        architectures: [name('arch'), 'a-b'],
      },
    },
    { type: 'worker.connected', ...about('worker', 'worker'), time: at(1900) },
    {
      type: 'worker.updated',
      ...about('worker', 'worker'),
      time: at(1800),
      data: { architectures: [name('arch')] },
    },
    { type: 'worker_pool.set', ...about('worker_pool', 'pool'), time: at(2000), data: {} },
    { type: 'instance.launched', ...about('instance', 'i'), time: at(1000), data: { pool: name('pool') } },
    {
      type: 'host.reported',
      ...about('host', 'h'),
      time: at(90),
      data: { name: name('host'), online: true },
    },
    {
      type: 'host.reported',
      ...about('host', 'h'),
      time: at(80),
      data: { snapshots: 4, repositoryBytes: 5_000 },
    },
    {
      type: 'alert.opened',
      ...about('alert', 'a'),
      time: at(70),
      data: { severity: 'warning', host: name('h') },
    },
    {
      type: 'file_store.set',
      ...about('file_store', 'fs'),
      time: at(60),
      data: { backend: 'S3', totalSize: 10, maxSize: 20 },
    },
    { type: 'token.set', ...about('token', 'k'), time: at(5 * 86_400), data: { user: name('user') } },
    { type: 'token.seen', ...about('token', 'k'), time: at(2 * 86_400) },
    { type: 'token.seen', ...about('token', 'k'), time: at(4 * 86_400) },
    { type: 'user.set', ...about('user', 'user'), time: at(86_400), data: {} },
    {
      type: 'identity.set',
      ...about('identity', 'id'),
      time: at(86_400),
      data: { issuer: name('issuer'), user: name('user') },
    },
    { type: 'workflow.created', ...about('workflow', 'w'), time: at(86_400), data: { user: name('user') } },
    {
      type: 'workflow.created',
      ...about('workflow', 'x'),
      time: at(9 * 86_400),
      data: { user: name('user'), scope: name('scope') },
    },
    { type: 'group.set', ...about('group', 'g'), time: at(50), data: { ephemeral: true } },
    { type: 'group.set', ...about('group', 'g'), time: at(40), data: {} },
    { type: 'workspace.set', ...about('workspace', 'ws'), time: at(50), data: { private: false } },
    {
      type: 'collection.set',
      ...about('collection', 'c'),
      time: at(50),
      data: { category: name('category'), items: 11 },
    },
    { type: 'asset.set', ...about('asset', 'as'), time: at(50), data: { category: name('category') } },
    {
      type: 'workflow_template.set',
      ...about('workflow_template', 'wt'),
      time: at(50),
      data: { taskName: name('template') },
    },
    ...[1, 2, 3].map((i) => ({
      ...{ type: 'artifact.created', ...about('artifact', i), time: at(60) },
      data: {
        category: name('category'),
        files: [
          { path: 'a', size: 1000 * i },
          { path: 'b', size: 5000 },
        ],
      },
    })),
    { type: 'artifact.deleted', ...about('artifact', 3), time: at(30) },
  ];
}
