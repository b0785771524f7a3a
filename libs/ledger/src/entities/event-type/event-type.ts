import { addSamples } from '../../metrics/contribute.js';
import { type EntityKind, noContributions } from '../types.js';

/** How many events of one type a tenant has sent. The id is the type. */
export interface EventTypeState {
  n: number;
}

/** A type of event within a tenant: every event is a fact of its type, which makes counting events a sum like any other. */
export const eventTypeKind: EntityKind<EventTypeState> = {
  empty: () => ({ n: 0 }),
  merge: (state, _event, times = 1) => {
    state.n += times;
    return state;
  },
  contributions: (key, state) => {
    const found = noContributions();
    if (state.n > 0) addSamples('event_type', key, { type: key.id, n: state.n }, found);
    return found;
  },
  links: () => NO_LINKS,
  linked: (state) => state,
};

const NO_LINKS: [] = [];
