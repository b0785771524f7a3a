import type { Role } from '@quipu/access';
import { applyDecorators, SetMetadata, UseGuards } from '@nestjs/common';
import { ALLOWED_ROLES, BearerGuard } from './bearer.guard.js';

/**
 * On a controller or a route: it serves these roles, by `Authorization: Bearer <key>`, and nobody else. A route's
 * own roles replace those of its controller.
 */
export function Allow(...roles: Role[]): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(ALLOWED_ROLES, roles), UseGuards(BearerGuard));
}
