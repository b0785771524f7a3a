import { spawnSync } from 'node:child_process';
import { closureEnvironment, debianClosure } from '../support/debian-closure.js';

/** The strict OpenMetrics parser of Prometheus's Python client: null accepts, a text says what is wrong. */
export type StrictParser = (exposition: string) => string | null;

const PROGRAM = `
import io, sys
from prometheus_client.openmetrics.parser import text_fd_to_metric_families
text = sys.stdin.buffer.read().decode('utf-8')
for family in text_fd_to_metric_families(io.StringIO(text, newline='')):
    pass
`;

/** The parser as Debian packages it, or why it cannot be had here. */
export function strictParser(): StrictParser | { readonly missing: string } {
  const unpacked = debianClosure('prometheus-client', ['python3-prometheus-client']);
  if ('missing' in unpacked) return unpacked;
  const env = closureEnvironment(unpacked.root);
  const python = (input: string): { status: number | null; stderr: string } =>
    spawnSync('python3', ['-c', PROGRAM], { input, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (python('# EOF\n').status !== 0) return { missing: 'there is no python3 that can run the parser' };
  return (exposition) => {
    const { status, stderr } = python(exposition);
    return status === 0 ? null : (stderr.trim().split('\n').at(-1) ?? 'refused');
  };
}
