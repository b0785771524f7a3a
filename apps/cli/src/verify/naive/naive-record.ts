import type { CurrentEvent, EventType } from '@quipu/contracts';
import { noContributions, type Contributions } from './contributions.js';
import type { EntityFold, Folded, Part } from './entity-fold.js';
import { LatestFact } from './latest.js';
import { scopeLabel } from './naive-artifact.js';
import { add, addPresent, flag, observe } from './samples.js';

/** Kinds whose state is what the greatest `<kind>.set` says. */
type RecordKind = { [T in EventType]: T extends `${infer K}.set` ? K : never }[EventType];
/** The data of a record. */
type RecordData<K extends RecordKind> = CurrentEvent<`${K}.set`>['data'];

/** Where the contributions of a record belong. */
interface Place {
  readonly tenant: string;
  readonly subject: string;
  /** Contributions that depend on nothing else. */
  readonly to: Contributions;
  /** What it says about others. */
  readonly parts: Part[];
}

const ITEM_BOUNDS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/** What an existing record of each kind contributes. */
const RECORDS: { readonly [K in RecordKind]: (place: Place, data: RecordData<K>) => void } = {
  tenant: ({ tenant, to }, { enabled }) =>
    add(to, 'quipu_tenants', tenant, { enabled: flag(enabled !== false) }, 1),

  user: ({ tenant, subject, parts }, { active, system }) =>
    parts.push({
      ...{ root: 'user', tenant, id: subject },
      says: { record: { active: active !== false, system: system === true } },
    }),

  identity: ({ tenant, parts }, { issuer, user }) => {
    if (user !== undefined) parts.push({ root: 'user', tenant, id: `user/${user}`, says: { issuer } });
  },

  group: ({ tenant, to }, { ephemeral, scope }) =>
    add(to, 'groups', tenant, { ephemeral: flag(ephemeral === true), ...scopeLabel(tenant, scope) }, 1),

  // When it was seen is told by other facts; see NaiveToken.
  token: ({ tenant, to }, data) => add(to, 'tokens', tenant, tokenLabels(data), 1),

  workspace: ({ tenant, to }, { private: closed, expires, scope }) => {
    const flags = { private: flag(closed !== false), expires: flag(expires === true) };
    add(to, 'workspaces', tenant, { ...flags, ...scopeLabel(tenant, scope) }, 1);
  },

  collection: ({ tenant, to }, { category, scope, items }) => {
    const labels = { category, ...scopeLabel(tenant, scope) };
    add(to, 'collections', tenant, labels, 1);
    if (items !== undefined) observe(to, 'collection_sizes', tenant, labels, { bounds: ITEM_BOUNDS }, items);
  },

  asset: ({ tenant, to }, { category, scope }) =>
    add(to, 'assets', tenant, { category, ...scopeLabel(tenant, scope) }, 1),

  workflow_template: ({ tenant, to }, { taskName, scope }) =>
    add(to, 'workflow_templates', tenant, { task_name: taskName, ...scopeLabel(tenant, scope) }, 1),

  file_store: ({ tenant, subject, to }, { backend, name, totalSize, maxSize }) => {
    const labels = { backend, name: name ?? idOf('file_store', subject) };
    addPresent(to, 'file_store_size', tenant, labels, totalSize ?? 0);
    add(to, 'file_store_max_size', tenant, labels, maxSize ?? 0);
  },

  worker_pool: ({ tenant, subject, to }) =>
    add(to, 'worker_pool_runtime:n', tenant, { worker_pool: idOf('worker_pool', subject) }, 1),
};

/** Every kind of record. */
export const RECORD_KINDS = Object.keys(RECORDS) as readonly RecordKind[];

/** Folds the events of one record. */
export class NaiveRecord<K extends RecordKind> implements EntityFold {
  protected readonly record = new LatestFact<CurrentEvent>();
  protected removed = false;

  constructor(
    private readonly kind: K,
    protected readonly tenant: string,
    protected readonly subject: string,
  ) {}

  add(event: CurrentEvent): void {
    if (event.type === `${this.kind}.set`) this.record.add(event);
    if (event.type === `${this.kind}.removed`) this.removed = true;
  }

  close(): Folded {
    const contributions = noContributions();
    const parts: Part[] = [];
    const { tenant, subject } = this;
    const { data } = this;
    if (data !== undefined) RECORDS[this.kind]({ tenant, subject, to: contributions, parts }, data);
    if (this.removed && this.kind === 'user') {
      parts.push({ root: 'user', tenant, id: subject, says: { removed: true } });
    }
    return { contributions, parts };
  }

  /** The data of the record; undefined while it does not exist. */
  protected get data(): RecordData<K> | undefined {
    // Only `<kind>.set` events are kept.
    return this.removed ? undefined : (this.record.latest?.data as RecordData<K> | undefined);
  }
}

/** Folds the events of one token: a record, and when it was used. */
export class NaiveToken extends NaiveRecord<'token'> {
  private lastSeen: number | undefined;

  constructor(tenant: string, subject: string) {
    super('token', tenant, subject);
  }

  override add(event: CurrentEvent): void {
    super.add(event);
    if (event.type === 'token.seen') this.lastSeen = Math.max(this.lastSeen ?? -Infinity, event.time);
  }

  override close(): Folded {
    const folded = super.close();
    const { data, tenant, lastSeen: score } = this;
    if (data === undefined || data.enabled === false || score === undefined) return folded;
    const { user, worker } = tokenLabels(data);
    const labels = { user, worker };
    const family = 'tokens_last_seen';
    folded.contributions.members.push({ family, tenant, labels, member: this.subject, score });
    // What now − score sums to: its base, and how many there are.
    add(folded.contributions, `${family}:sum`, tenant, labels, -score);
    add(folded.contributions, `${family}:rate`, tenant, labels, 1);
    return folded;
  }
}

function tokenLabels({ enabled, user, worker }: RecordData<'token'>) {
  return {
    enabled: flag(enabled !== false),
    user: flag(user !== undefined),
    worker: flag(worker !== undefined),
  };
}

/** A subject without its kind. */
export function idOf(kind: string, subject: string): string {
  return subject.slice(kind.length + 1);
}
