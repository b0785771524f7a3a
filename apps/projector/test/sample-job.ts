let made = 0;

/** A CloudEvent of a job, with an identity of its own unless the parts say otherwise. */
export function sampleCloudEvent(parts: Record<string, unknown> = {}): Record<string, unknown> {
  made += 1;
  return {
    specversion: '1.0',
    id: `event-${process.pid}-${made}`,
    source: 'sample',
    type: 'job.started',
    subject: `job/queue-1/${made}@1700000000000`,
    tenant: 'acme',
    time: new Date().toISOString(),
    dataversion: 1,
    data: { queue: 'queue-1', user: 'ada', nodes: 2 },
    ...parts,
  };
}

/** Waits until a condition holds; the test's own time limit ends a wait for what never comes. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
