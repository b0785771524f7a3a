import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { mergeSet, type SetFact } from '../record/record.js';
import { type EntityKind, noContributions } from '../types.js';

/** Everything kept of an artifact: category, scope and the sizes of its files, of the greatest `artifact.created`. */
export interface ArtifactState {
  set?: SetFact;
  removed?: true;
}

/** An artifact that exists. */
export interface ArtifactView {
  readonly category: string;
  readonly scope: string;
  /** Size of each file, bytes. */
  readonly sizes: readonly number[];
}

/** Artifacts, and how large their files are (docs/semantics.md, "Metrics"). */
export const artifactKind: EntityKind<ArtifactState> = {
  empty: () => ({}),
  merge: (state, event) => {
    mergeSet(state, event.type === 'artifact.created' ? withSizes(event) : event, [
      'category',
      'scope',
      'sizes',
    ]);
    return state;
  },
  contributions: (key, { set, removed }) => {
    const found = noContributions();
    if (set === undefined || removed === true) return found;
    const { category, scope, sizes } = set.d as Partial<ArtifactView>;
    const view = { category: category ?? '', scope: scope ?? key.tenant, sizes: sizes ?? [] };
    addSamples('artifact', key, view, found);
    return found;
  },
  links: () => [],
  linked: (state) => state,
};

/** Paths and digests of up to thousands of files add nothing to any number: the state keeps their sizes. */
function withSizes(event: CurrentEvent<'artifact.created'>): CurrentEvent {
  const { category, scope, files } = event.data;
  const data = { category, scope, sizes: (files ?? []).map(({ size }) => size) };
  return { ...event, data };
}
