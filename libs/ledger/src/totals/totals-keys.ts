/** Every key of the totals shares one hash tag, so that the scripts are legal on a cluster. */
const TAG = '{quipu}';

/** The hash of totals: `@position`, `@epoch`, `@generation`, and one field per amount. */
export const TOTALS_KEY = `${TAG}:totals`;

/** What the last comparison with Postgres came to. */
export const DRIFT_KEY = `${TAG}:drift`;

/** Capped stream of what batches made of the totals; see `TotalsChanges`. */
export const CHANGES_KEY = `${TAG}:totals:changes`;

/** Prefix of the member sets; a generation follows. */
export const MEMBERS_PREFIX = `${TAG}:members:`;

/** `@position` while a script applies a batch; one that is left behind means that the totals are torn. */
export const TORN = '!';

/** Key of the totals of a generation that is being loaded. */
export function shadowKey(generation: string): string {
  return `${TAG}:shadow:${generation}`;
}

/** Key of the set of names of a generation's member sets. */
export function membersKey(generation: string): string {
  return `${MEMBERS_PREFIX}${generation}`;
}

/** Key of one member set, scored by time in ms. */
export function memberSetKey(generation: string, name: string): string {
  return `${MEMBERS_PREFIX}${generation}:${name}`;
}

/** Field of an amount. Texts that may hold the separator are URI-encoded. */
export function amountField(family: string, tenant: string, labels: string): string {
  return `${family}|${encodeURIComponent(tenant)}|${labels}`;
}

/** Takes {@link amountField} apart; null for fields that are no amounts. */
export function parseAmountField(field: string): { family: string; tenant: string; labels: string } | null {
  const match = /^([^|@][^|]*)\|([^|]*)\|(.*)$/s.exec(field);
  if (match === null) return null;
  return { family: match[1]!, tenant: decodeURIComponent(match[2]!), labels: match[3]! };
}

/** Name of a member set; `labels` as in amounts. */
export function memberSetName(family: string, tenant: string, labels: string): string {
  return `${family}|${encodeURIComponent(tenant)}|${encodeURIComponent(labels)}`;
}

/** Takes {@link memberSetName} apart. */
export function parseMemberSetName(name: string): { family: string; tenant: string; labels: string } {
  const [family = '', tenant = '', labels = ''] = name.split('|');
  return { family, tenant: decodeURIComponent(tenant), labels: decodeURIComponent(labels) };
}
