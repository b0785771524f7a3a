import { isSuperadmin, KeyStore, type Principal, type Role } from '@quipu/access';
import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bearerSecret } from './bearer-secret.js';
import { setPrincipal } from './caller.js';

/** Metadata: the roles a route serves. */
export const ALLOWED_ROLES = Symbol('ALLOWED_ROLES');

const REALM = 'Bearer realm="quipu"';

/**
 * Lets a request pass if its `Authorization: Bearer <key>` is a valid key of a role that the route serves.
 * Which of unknown, revoked and expired a key is, a caller must not learn: all are the same 401.
 */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly keys: KeyStore,
    private readonly reflector: Reflector,
  ) {}

  /**
   * Answers true, or throws.
   * @throws UnauthorizedException without a valid key (the answer gains `WWW-Authenticate`); ForbiddenException
   * if the route does not serve the key's role.
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const secret = bearerSecret(request.headers.authorization);
    if (secret === null) {
      void reply.header('www-authenticate', REALM);
      throw new UnauthorizedException('Send a key: Authorization: Bearer <key>.');
    }
    const principal = await this.keys.authenticateSecret(secret);
    if (principal === null) {
      void reply.header('www-authenticate', `${REALM}, error="invalid_token"`);
      throw new UnauthorizedException('The key is not valid.');
    }
    const roles = this.reflector.getAllAndOverride<readonly Role[] | undefined>(ALLOWED_ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    const role = effectiveRole(principal);
    if (!(roles ?? []).includes(role)) {
      throw new ForbiddenException(`A key of role ${role} may not do this.`);
    }
    setPrincipal(request, principal);
    return true;
  }
}

/** A principal that claims `superadmin` outside that tenant administers its own tenant, no more. */
function effectiveRole(principal: Principal): Role {
  return principal.role === 'superadmin' && !isSuperadmin(principal) ? 'admin' : principal.role;
}
