import { qualityOf } from './forms/error-body.js';

/** True if a path is the dialect's, mounted at `prefix`. */
export function isGnocchiPath(prefix: string, url: string): boolean {
  const path = url.split('?', 1)[0]!;
  const root = `${prefix}/v1`;
  return path === root || path.startsWith(`${root}/`) || path === `${prefix}/healthcheck`;
}

/** The URL with one slash at its beginning, if it is the dialect's; the router reads no more than one. */
export function withOneSlash(prefix: string, url: string): string {
  if (!url.startsWith('//')) return url;
  const trimmed = url.replace(/^\/+/, '/');
  return isGnocchiPath(prefix, trimmed) ? trimmed : url;
}

/** True if a client wants JSON at the root, and not a page. */
export function asksForVersions(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  return (
    qualityOf(accept, 'application', 'json') > qualityOf(accept, 'text', 'html') ||
    /^application\/json\b/.test(accept)
  );
}
