import { ROLES, type Role } from '@quipu/access';
import { isTenantId, MAX_ATTRIBUTE_LENGTH, MAX_NAME_LENGTH, TENANT_PATTERN } from '@quipu/contracts';
import { parseTime, TIME_FORMS, UsageError } from '@quipu/platform';
import { z } from 'zod';
import { lineOfText } from '../answers/body.js';
import { DEFAULT_LIMIT, limitText, oneOf, storableText } from '../answers/query-parameters.js';

/** Longest a rotated key goes on working, s: 30 days. */
export const MAX_GRACE_SECONDS = 2_592_000;
/** How long it does where a request does not say, s: a day. */
export const DEFAULT_GRACE_SECONDS = 86_400;

const paging = {
  limit: limitText.default(DEFAULT_LIMIT),
  cursor: z.string().optional(),
  format: oneOf(['json', 'csv']).optional(),
};

/** The parameters of `GET /api/tenants`. */
export const tenantsParameters = z.object(paging);

/** The parameters of `GET /api/keys`. */
export const keysParameters = z.object({
  tenant: storableText.optional(),
  principal: storableText.optional(),
  ...paging,
});

/** The parameters of `GET /api/audit`. */
export const auditParameters = z.object({
  actor: storableText.optional(),
  action: storableText.optional(),
  ...paging,
});

/** Routes that take no parameter in their query. */
export const noParameters = z.object({});

/** The body of `POST /api/tenants`. */
export const newTenant = z.object({
  id: lineOfText(MAX_NAME_LENGTH).refine(isTenantId, `does not match ${TENANT_PATTERN.source}`),
  name: lineOfText(MAX_NAME_LENGTH).optional(),
});

function expiry(nowMs: number) {
  const wrong = `is no time; a time is ${TIME_FORMS}`;
  return z.union([z.string(), z.number()], { error: wrong }).transform((value, context) => {
    try {
      const ms = parseTime(String(value), nowMs);
      if (ms > nowMs) return ms;
      context.addIssue({ code: 'custom', message: 'lies in the past' });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      context.addIssue({ code: 'custom', message: wrong });
    }
    return z.NEVER;
  });
}

/** The body of `POST /api/keys`. @param nowMs what a relative expiry refers to. */
export function newKey(nowMs: number) {
  return z.object({
    tenant: lineOfText(MAX_NAME_LENGTH).optional(),
    principal: lineOfText(MAX_NAME_LENGTH),
    role: oneOf(ROLES as readonly [Role, ...Role[]]).optional(),
    label: lineOfText(MAX_NAME_LENGTH).optional(),
    expires: expiry(nowMs).optional(),
    sourcePrefix: lineOfText(MAX_ATTRIBUTE_LENGTH).optional(),
  });
}

/** The body of `POST /api/keys/<id>/rotate`. */
export function rotation(nowMs: number) {
  return z.object({
    graceSeconds: z
      .number({ error: 'is no number' })
      .int('is no whole number')
      .min(0, 'is below 0')
      .max(MAX_GRACE_SECONDS, `is above ${MAX_GRACE_SECONDS} (30 days)`)
      .default(DEFAULT_GRACE_SECONDS),
    expires: expiry(nowMs).optional(),
  });
}
