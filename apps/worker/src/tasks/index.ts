import { archive } from './archive.js';
import { checksum } from './checksum.js';
import { compress } from './compress.js';
import type { Task } from './task.js';

/** What jobs may be called, and what is done then. */
export const TASKS: ReadonlyMap<string, Task> = new Map<string, Task>([
  ['checksum', checksum],
  ['compress', compress],
  ['archive', archive],
]);
