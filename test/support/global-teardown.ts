/** The shared services stay up for the next run; `./quipu test` stops them when nobody uses them any more. */
export default function globalTeardown(): void {
  return undefined;
}
