import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { factOf } from '../facts.js';
import { idOf } from '../record/record.js';
import { tell, type Told } from '../told.js';
import { type EntityKey, type EntityKind, noContributions } from '../types.js';

/** What a host's agent can say; absent while never told. */
export interface HostFields {
  name?: string;
  online?: boolean;
  /** Whole seconds since the epoch. */
  lastRunAt?: number;
  lastRunOutcome?: string;
  repositoryBytes?: number;
  snapshots?: number;
  repositoryStatus?: string;
}

/** Everything known about a host: what it said last, field by field, and the open alerts that told it of themselves. */
export interface HostState {
  reported: boolean;
  readonly told: { [K in keyof HostFields]?: Told<NonNullable<HostFields[K]>> };
  readonly alerts: string[];
}

/** A host that has reported. */
export interface HostView {
  readonly labels: Readonly<Record<'host_id' | 'host', string>>;
  readonly fields: HostFields;
  readonly openAlerts: number;
}

const COPIED = [
  'name',
  'online',
  'lastRunOutcome',
  'repositoryBytes',
  'snapshots',
  'repositoryStatus',
] as const;

/** Hosts with backups (docs/semantics.md, "Metrics"). */
export const hostKind: EntityKind<HostState> = {
  empty: () => ({ reported: false, told: {}, alerts: [] }),
  merge: mergeHost,
  contributions: (key, state) => {
    const found = noContributions();
    if (state.reported) addSamples('host', key, hostView(key, state), found);
    return found;
  },
  links: () => [],
  linked: (state, { name }, present) => {
    const at = state.alerts.indexOf(name);
    if (present && at < 0) state.alerts.push(name);
    if (!present && at >= 0) state.alerts.splice(at, 1);
    return state;
  },
};

function mergeHost(state: HostState, event: CurrentEvent): HostState {
  if (event.type !== 'host.reported') return state;
  state.reported = true;
  const fact = factOf(event);
  const told: Record<string, Told<unknown> | undefined> = state.told;
  const note = (name: string, value: unknown): void => {
    const next = tell(told[name], fact, value);
    if (next !== undefined) told[name] = next;
  };
  for (const name of COPIED) note(name, event.data[name]);
  const { lastRunAt } = event.data;
  const ms = lastRunAt === undefined ? NaN : Date.parse(lastRunAt);
  if (!Number.isNaN(ms)) note('lastRunAt', Math.floor(ms / 1_000));
  return state;
}

function hostView(key: EntityKey, { told, alerts }: HostState): HostView {
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(told)) fields[name] = field.v;
  const id = idOf(key.id);
  return { labels: { host_id: id, host: told.name?.v ?? id }, fields, openAlerts: alerts.length };
}
