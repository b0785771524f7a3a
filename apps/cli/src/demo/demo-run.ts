import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { processIdentity } from '@quipu/platform';
import { z } from 'zod';
import { type DemoTenant } from './tenants.js';

/** One run of the demo: what its queues, workers and directories are called. */
export interface DemoRun {
  /** Different for each run, so that nothing of it meets anything of another. */
  readonly id: string;
  /** Everything the run has on disk. */
  readonly directory: string;
}

const BEGINNING_MS = 60_000;

/** BullMQ's prefix of the queues of a run. */
export const prefixOf = (run: DemoRun): string => `{quipu-demo-${run.id}}`;
/** What jobs of a tenant work on. */
export const inputsOf = (run: DemoRun, tenant: DemoTenant): string => join(run.directory, tenant.id, 'input');
/** Where its workers put what they make. */
export const storeOf = (run: DemoRun, tenant: DemoTenant): string => join(run.directory, tenant.id, 'store');
/** What the ledger calls that place. */
export const storeNameOf = (run: DemoRun, tenant: DemoTenant): string => `${tenant.id}-${run.id}`;

/** The workers of a tenant. */
export function workersOf(
  run: DemoRun,
  tenant: DemoTenant,
): { name: string; pool: DemoTenant['pools'][number] }[] {
  return tenant.pools.flatMap((pool) =>
    Array.from({ length: pool.workers }, (_, n) => ({ name: `${pool.name}-${n + 1}-${run.id}`, pool })),
  );
}

/** Begins a run, with a directory that says whose it is. */
export function beginRun(dataDir: string, startMs: number): DemoRun {
  const id = `${startMs.toString(36)}-${process.pid.toString(36)}`;
  const directory = join(dataDir, 'demo', id);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'owner'), processIdentity(process.pid) ?? '');
  return { id, directory };
}

/** A node that a worker of a run holds, from one start of it to its end. */
export interface DemoNode {
  readonly tenant: string;
  readonly subject: string;
  readonly life: string;
}

const note = z.object({ what: z.string(), tenant: z.string(), subject: z.string(), life: z.string() });

/** Writes down that a node was taken or given back, for who has to put away after a run that was killed. */
export function noteNode(run: DemoRun, what: 'taken' | 'given-back', node: DemoNode): void {
  // On a line of its own, also after one that was cut off.
  appendFileSync(join(run.directory, 'nodes'), `\n${JSON.stringify({ what, ...node })}\n`);
}

/** The nodes that a run has taken and not given back. */
export function heldNodes(run: DemoRun): DemoNode[] {
  const held = new Map<string, DemoNode>();
  for (const line of read(join(run.directory, 'nodes')).split('\n')) {
    const noted = parseNote(line);
    if (noted === undefined) continue;
    const { what, ...node } = noted;
    if (what === 'taken') held.set(`${node.subject} ${node.life}`, node);
    else held.delete(`${node.subject} ${node.life}`);
  }
  return [...held.values()];
}

/** Removes what a run has on disk. */
export function removeRun(run: DemoRun): void {
  rmSync(run.directory, { recursive: true, force: true });
}

/** Runs whose process was killed before it could put things away. */
export function deadRuns(dataDir: string): DemoRun[] {
  const all = join(dataDir, 'demo');
  return list(all)
    .map((id) => ({ id, directory: join(all, id) }))
    .filter(isDead);
}

/** Ids of the artifacts that a tenant's workers made. */
export function artifactsOf(run: DemoRun, tenant: DemoTenant): string[] {
  return list(join(storeOf(run, tenant), 'artifacts'));
}

/** What a line says; nothing, if a kill or a full disk cut it off. */
function parseNote(line: string): (DemoNode & { what: string }) | undefined {
  try {
    return note.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function isDead({ directory }: DemoRun): boolean {
  try {
    const owner = readFileSync(join(directory, 'owner'), 'utf8');
    return processIdentity(Number.parseInt(owner, 10)) !== owner;
  } catch {
    // One that is just beginning has not said yet whose it is.
    const info = statSync(directory, { throwIfNoEntry: false });
    return info !== undefined && Date.now() - info.mtimeMs > BEGINNING_MS;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
