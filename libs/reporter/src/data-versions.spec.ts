import { catalogue, type EventType } from '@quipu/contracts';
import { DATA_VERSIONS } from './data-versions.js';

it('the reporter sends data in the newest version of every type', () => {
  const types = Object.entries(catalogue) as [EventType, { version: number }][];
  const newer = types.filter(([, { version }]) => version > 1).map(([type, { version }]) => [type, version]);
  expect([...DATA_VERSIONS]).toEqual(newer);
});
