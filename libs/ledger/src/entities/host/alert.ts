import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { compareRanked, type Fact, factOf } from '../facts.js';
import { tell, type Told } from '../told.js';
import { type EntityKey, type EntityKind, type Link, noContributions } from '../types.js';

/** Everything known about an alert: whether it was opened or closed last, and what it is about. */
export interface AlertState {
  latest?: Fact<object> & { readonly open: boolean };
  severity?: Told<string>;
  host?: Told<string>;
}

/** Alerts, which tell the host they name while they are open (docs/semantics.md, "Metrics"). */
export const alertKind: EntityKind<AlertState> = {
  empty: () => ({}),
  merge: mergeAlert,
  contributions: (key, state) => {
    const found = noContributions();
    if (state.latest?.open === true) addSamples('alert', key, state, found);
    return found;
  },
  links: alertLinks,
  linked: (state) => state,
};

function mergeAlert(state: AlertState, event: CurrentEvent): AlertState {
  if (event.type !== 'alert.opened' && event.type !== 'alert.closed') return state;
  const fact = factOf(event);
  const open = event.type === 'alert.opened';
  const { latest } = state;
  const rank = (opened: boolean): number => (opened ? 0 : 1);
  if (latest === undefined || compareRanked(latest, rank(latest.open), fact, rank(open)) < 0) {
    state.latest = { ...fact, open };
  }
  const severity = tell(state.severity, fact, event.data.severity);
  if (severity !== undefined) state.severity = severity;
  const host = tell(state.host, fact, event.data.host);
  if (host !== undefined) state.host = host;
  return state;
}

function alertLinks(key: EntityKey, state: AlertState): Link[] {
  if (state.latest?.open !== true || state.host === undefined) return [];
  return [{ target: { tenant: key.tenant, kind: 'host', id: `host/${state.host.v}` }, name: key.id }];
}
