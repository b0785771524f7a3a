import { define } from './definition.js';
import * as field from './fields.js';

/** What reporters say about their own work. */
export const reporterEvents = {
  'reporter.dropped': define({
    kind: 'reporter',
    summary: 'It had no room left for events of this tenant while the queue was away: they are lost.',
    fields: {
      events: field.required(field.count('How many events are lost.', 'events')),
      from: field.moment('When the first of them occurred.'),
      until: field.moment('When the last of them occurred.'),
    },
  }),
};
