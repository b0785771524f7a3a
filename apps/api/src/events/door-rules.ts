import { isSuperadmin, type Principal } from '@quipu/access';
import { type LogEvent, type RefusalReason, upcast } from '@quipu/contracts';

/** Why this door refuses an event that is in itself good: what the key may not report. */
export const DOOR_REFUSALS = {
  'foreign-tenant': 'The key reports for another tenant.',
  'foreign-source':
    'The key is bound to sources with another prefix, or the source is one of the platform itself (`quipu/…`).',
  'foreign-type': 'Reporters send job, node, workflow and artifact events only.',
  'foreign-worker': 'Reporters name workers of their own tenant only: `workerTenant` must be that tenant.',
  'foreign-scope': 'Reporters put numbers under the scope of their own tenant only.',
} as const satisfies Record<string, string>;

/** Why an event is refused over HTTP. */
export type DoorReason = RefusalReason | keyof typeof DOOR_REFUSALS;

/** One refused event of a request. */
export interface RefusedEvent {
  /** Its place in the request, from 0. */
  readonly index: number;
  readonly reason: DoorReason;
  readonly detail: string;
}

/** What the platform says of itself: the sweeper's estimates are counted by their source, and their ids can be guessed. */
const PLATFORM_SOURCES = 'quipu/';
const REPORTED_KINDS = new Set(['job', 'node', 'workflow', 'artifact']);

/** What the key may not say of this event, or null. Superadmins may report anything about every tenant. */
export function ruleBroken(
  principal: Principal,
  event: LogEvent,
): { reason: keyof typeof DOOR_REFUSALS; detail: string } | null {
  if (isSuperadmin(principal)) return null;
  const { tenantId: tenant, sourcePrefix } = principal;
  if (event.tenant !== tenant) {
    return { reason: 'foreign-tenant', detail: `tenant: this key reports for ${tenant} only` };
  }
  if (sourcePrefix !== null && !event.source.startsWith(sourcePrefix)) {
    return { reason: 'foreign-source', detail: `source: must begin with ${sourcePrefix}` };
  }
  if (event.source.startsWith(PLATFORM_SOURCES)) {
    return { reason: 'foreign-source', detail: `source: ${PLATFORM_SOURCES} is of the platform itself` };
  }
  if (!REPORTED_KINDS.has(event.type.split('.', 1)[0]!)) {
    return { reason: 'foreign-type', detail: `type: a reporter may not send ${event.type}` };
  }
  return workerRuleBroken(tenant, event) ?? scopeRuleBroken(tenant, event);
}

/** A scope is a label of the metrics: under another tenant's, a key would change numbers that are not its own. */
function scopeRuleBroken(
  tenant: string,
  event: LogEvent,
): { reason: 'foreign-scope'; detail: string } | null {
  const { scope } = upcast(event).data as { scope?: unknown };
  if (scope === undefined || scope === null || scope === tenant) return null;
  return { reason: 'foreign-scope', detail: `data.scope: must be ${tenant}, or left out` };
}

/** A tenant must not make the workers of the platform, or of others, look busy. */
function workerRuleBroken(
  tenant: string,
  event: LogEvent,
): { reason: 'foreign-worker'; detail: string } | null {
  const { worker, workerTenant } = upcast(event).data as { worker?: unknown; workerTenant?: unknown };
  if (workerTenant === undefined && worker === undefined) return null;
  if (workerTenant === tenant) return null;
  return {
    reason: 'foreign-worker',
    detail: `data.workerTenant: must be ${tenant} where an event names a worker`,
  };
}
