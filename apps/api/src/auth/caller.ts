import { type Principal, type Scope, scopeOf } from '@quipu/access';
import { createParamDecorator, type ExecutionContext, ForbiddenException } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who asks, and what of the numbers it may see. */
export interface Caller {
  readonly principal: Principal;
  readonly scope: Scope;
}

/** Kept beside the requests and not on them: nothing a client sends can look like a principal. */
const principals = new WeakMap<FastifyRequest, Principal>();

/** Remembers who sent the request; for the guard alone. */
export function setPrincipal(request: FastifyRequest, principal: Principal): void {
  principals.set(request, principal);
}

/** Parameter: the {@link Caller} of a route with `@Allow(...)`. Roles that read nothing are refused with 403. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const principal = principalOf(context);
  const scope = scopeOf(principal);
  if (scope === null) throw new ForbiddenException(`A key of role ${principal.role} may not read.`);
  return { principal, scope };
});

/** Parameter: the principal alone, for routes that serve roles that read nothing (reporters). */
export const CallerPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal =>
  principalOf(context),
);

function principalOf(context: ExecutionContext): Principal {
  const principal = principals.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (principal === undefined) throw new Error('a route asks for its caller without @Allow');
  return principal;
}
