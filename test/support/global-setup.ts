export default function globalSetup(): Promise<void> {
  return Promise.resolve();
}
