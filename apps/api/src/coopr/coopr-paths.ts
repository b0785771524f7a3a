const PATHS = ['/status', '/v2/metrics/queues', '/v2/metrics/nodes/usage'];

/** The URL without the slash that the original's router lets its paths end with. */
export function withoutFinalSlash(url: string): string {
  const path = pathOf(url);
  const bare = path.slice(0, -1);
  return path.endsWith('/') && PATHS.includes(bare) ? bare + url.slice(path.length) : url;
}

/** Whether a URL that no route took is none of the dialect's, an unknown one, or one that takes other methods. */
export function placeOf(url: string): 'elsewhere' | 'unknown' | 'known' {
  const path = pathOf(withoutFinalSlash(url));
  if (PATHS.includes(path)) return 'known';
  return path === '/v2' || path.startsWith('/v2/') ? 'unknown' : 'elsewhere';
}

function pathOf(url: string): string {
  return url.split('?', 1)[0]!;
}
