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

/** Waits until a condition holds. Rejects after 90 s: a wait that goes on for ever would keep jest alive. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Never came true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
