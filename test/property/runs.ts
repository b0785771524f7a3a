/**
 * How many cases a property tries: `usual`, or times QUIPU_PROPERTY_FACTOR. With QUIPU_PROPERTY_SEED a
 * failure can be had again.
 */
export function runs(usual: number): { numRuns: number; seed?: number } {
  const factor = Number(process.env['QUIPU_PROPERTY_FACTOR'] ?? 1);
  const seed = process.env['QUIPU_PROPERTY_SEED'];
  return { numRuns: Math.ceil(usual * factor), ...(seed === undefined ? {} : { seed: Number(seed) }) };
}
