import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writePrivateFile } from '../os/files.js';
import { processIdentity } from '../os/processes.js';

const program = z.object({
  name: z.string(),
  pid: z.number(),
  /** Tells this very process from a later one with the same pid. */
  identity: z.string(),
  /** How often it was started again. */
  restarts: z.number(),
});

const state = z.object({
  pid: z.number(),
  identity: z.string(),
  phase: z.enum(['starting', 'ready', 'stopping']),
  startedMs: z.number(),
  /** Address of the API, e.g. `http://127.0.0.1:8080`. */
  url: z.string(),
  databaseUrl: z.string().optional(),
  redisUrl: z.string().optional(),
  programs: z.array(program),
});

/** What a supervisor writes down about itself in `<dataDir>/run/state.json` (0600). */
export type RuntimeState = z.infer<typeof state>;

/** What the file says, whether or not that supervisor still lives; null when there is none. */
export function readRuntimeState(dataDir: string): RuntimeState | null {
  return state.safeParse(readJsonFile(stateFile(dataDir))).data ?? null;
}

/** The state of the supervisor that runs now; null when none does. */
export function runningSupervisor(dataDir: string): RuntimeState | null {
  const written = readRuntimeState(dataDir);
  return written && processIdentity(written.pid) === written.identity ? written : null;
}

/** What a supervisor that was killed left running: the programs that live; null when nothing was left. */
export function orphanedSystem(dataDir: string): RuntimeState | null {
  const written = readRuntimeState(dataDir);
  if (written === null || processIdentity(written.pid) === written.identity) return null;
  const programs = written.programs.filter(({ pid, identity }) => processIdentity(pid) === identity);
  return programs.length === 0 ? null : { ...written, programs };
}

/** Writes the file, whole or not at all. */
export function writeRuntimeState(dataDir: string, written: RuntimeState): void {
  writePrivateFile(stateFile(dataDir), `${JSON.stringify(written, null, 2)}\n`);
}

/** Removes the file. */
export function clearRuntimeState(dataDir: string): void {
  rmSync(stateFile(dataDir), { force: true });
}

function stateFile(dataDir: string): string {
  return join(dataDir, 'run', 'state.json');
}
