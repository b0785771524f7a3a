const PATHS = /^(\/api\/1\.0\/(?:open-metrics|service-status))\/(?=$|\?)/;

/** The original's paths end with a slash; a client that leaves it out means the same, and so does the router. */
export function withoutSlash(url: string): string {
  return url.replace(PATHS, '$1');
}
