/*
 * A print is the first four bytes of a metric's id, which are random: of thousands of metrics hardly two have the same.
 * A job carries the prints of its metrics, so that who waits for one metric need not read the measures of all.
 */
const PRINT_BYTES = 4;

/** The prints of metrics (lower-case UUIDs) as base64; each once. */
export function printsOf(metricIds: Iterable<string>): string {
  const prints = new Set<number>();
  for (const id of metricIds) prints.add(printOf(id));
  const bytes = Buffer.allocUnsafe(prints.size * PRINT_BYTES);
  let at = 0;
  for (const print of prints) at = bytes.writeUInt32BE(print, at);
  return bytes.toString('base64');
}

/** Whether prints (as {@link printsOf} packs them, decoded) have any of some. */
export function haveAny(prints: Buffer, wanted: ReadonlySet<number>): boolean {
  for (let at = 0; at + PRINT_BYTES <= prints.length; at += PRINT_BYTES) {
    if (wanted.has(prints.readUInt32BE(at))) return true;
  }
  return false;
}

/** The print of a metric. */
export function printOf(metricId: string): number {
  return Number.parseInt(metricId.slice(0, 2 * PRINT_BYTES), 16);
}
