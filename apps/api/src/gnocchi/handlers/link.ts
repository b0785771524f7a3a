import type { GnocchiCall } from '../gnocchi-call.js';

/** The header that leads to the next page: the URL of this request with another query. */
export function linkTo({ request }: GnocchiCall, query: string): { link: string } {
  const path = request.url.split('?', 1)[0]!;
  return { link: `<${request.protocol}://${request.host}${path}?${query}>; rel="next"` };
}

/** A name as one part of a path: percent-encoded UTF-8, but for letters, digits, `_`, `.`, `-` and `~`. */
export function inPath(name: string): string {
  return encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
