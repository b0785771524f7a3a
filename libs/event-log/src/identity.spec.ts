import { createHash } from 'node:crypto';
import { canonicalEvent } from '@quipu/contracts';
import { sampleEvent } from '../test/sample-events.js';
import { bodyHash, eventIdentity } from './identity.js';

describe('identity', () => {
  it('is the same for ever', () => {
    const identity = eventIdentity({ tenant: 'acme', source: 'swf:abc', id: 'job-1-started' });
    expect(identity.toString('hex')).toBe(
      createHash('sha256').update('["acme","swf:abc","job-1-started"]').digest('hex').slice(0, 32),
    );
  });

  it('does not run parts together', () => {
    const one = eventIdentity({ tenant: 'a', source: 'b","c', id: 'd' });
    const other = eventIdentity({ tenant: 'a', source: 'b', id: 'c","d' });
    expect(one.equals(other)).toBe(false);
  });

  it('goes with a body hash over the canonical JSON', () => {
    const event = sampleEvent({ data: { b: 1, a: 'é' } });
    const reordered = { ...event, data: { a: 'é', b: 1 } };
    expect(bodyHash(event)).toEqual(createHash('sha256').update(canonicalEvent(event)).digest());
    expect(bodyHash(reordered)).toEqual(bodyHash(event));
    expect(bodyHash({ ...event, time: event.time + 1 })).not.toEqual(bodyHash(event));
  });
});
