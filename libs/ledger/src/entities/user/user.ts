import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { mergeSet, type SetFact } from '../record/record.js';
import { type EntityKind, noContributions } from '../types.js';

/** Everything known about a user: the record, the identities that told it of themselves, and when it was active. */
export interface UserState {
  set?: SetFact;
  removed?: true;
  /** Names of the identities' links: JSON of subject and issuer. */
  readonly identities: string[];
  /** Per scope the time (ms) of the latest root workflow; in the order of the scopes. */
  readonly activity: [scope: string, t: number][];
}

/** A user, resolved. */
export interface UserView {
  /** Its record; null while there is none. */
  readonly record: { readonly active: boolean; readonly system: boolean } | null;
  /** Issuer of each identity. */
  readonly issuers: readonly string[];
  readonly activity: readonly (readonly [scope: string, t: number])[];
}

/** Users, with what their identities and workflows say of them (docs/semantics.md, "Metrics"). */
export const userKind: EntityKind<UserState> = {
  empty: () => ({ identities: [], activity: [] }),
  merge: (state, event) => {
    if (event.type === 'workflow.created') mergeWorkflow(state, event);
    else mergeSet(state, event, ['active', 'system']);
    return state;
  },
  contributions: (key, state) => {
    const found = noContributions();
    if (state.removed !== true) addSamples('user', key, userView(state), found);
    return found;
  },
  links: () => [],
  linked: (state, { name }, present) => {
    const at = state.identities.indexOf(name);
    if (!present && at >= 0) state.identities.splice(at, 1);
    if (present && at < 0) {
      state.identities.push(name);
      // A set: which identity came first says nothing.
      state.identities.sort();
    }
    return state;
  },
};

function mergeWorkflow(state: UserState, event: CurrentEvent<'workflow.created'>): void {
  const scope = event.data.scope ?? event.tenant;
  const { activity } = state;
  let at = 0;
  while (at < activity.length && activity[at]![0] < scope) at++;
  const known = activity[at];
  if (known?.[0] === scope) known[1] = Math.max(known[1], event.time);
  else activity.splice(at, 0, [scope, event.time]);
}

function userView({ set, identities, activity }: UserState): UserView {
  const record =
    set === undefined ? null : { active: set.d['active'] !== false, system: set.d['system'] === true };
  const issuers = identities.map((name) => (JSON.parse(name) as [string, string])[1]);
  return { record, issuers, activity };
}
