import { scopeOf } from '@quipu/access';
import type { LevelName } from '@quipu/read-models';
import fc from 'fast-check';

/** Who may ask for everything. */
export const platform = scopeOf({
  ...{ tenantId: 'superadmin', tenantName: 'superadmin', name: 'admin' },
  role: 'superadmin',
  sourcePrefix: null,
})!;

/** Every level there is. */
export const ALL_LEVELS = [
  'nodes',
  'waiting',
  'running',
  'busy',
  'idle',
  'offline',
  'nodes_estimated',
  'running_estimated',
] as const satisfies LevelName[];

/** One of the values, or, as often as not, none. */
export const maybeOne = <T>(...values: T[]): fc.Arbitrary<T | undefined> =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 });
