export default function globalTeardown(): Promise<void> {
  return Promise.resolve();
}
