import { type Credentials } from '@quipu/access';

/**
 * Credentials of an HTTP basic header (RFC 7617) whose user is `<tenant>/<user>`; without a slash the user is one of
 * tenant superadmin. Null if there are none or they cannot be read.
 */
export function basicCredentials(header: string | undefined): Credentials | null {
  const match = /^basic ([a-z0-9+/=]{1,4096})$/i.exec(header?.trim() ?? '');
  if (match === null) return null;
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0 || text.includes('\0')) return null;
  const name = text.slice(0, colon);
  const slash = name.indexOf('/');
  return {
    tenant: slash < 0 ? 'superadmin' : name.slice(0, slash),
    user: name.slice(slash + 1),
    secret: text.slice(colon + 1),
  };
}
