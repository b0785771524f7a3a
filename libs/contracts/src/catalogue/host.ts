import { define, PLATFORM_TENANT } from './definition.js';
import * as field from './fields.js';

const alertFields = {
  host: field.name(
    'Host it is about: the subject of its events without `host/`. Without one it is the platform’s.',
  ),
  severity: field.name('How bad it is, such as `info`, `warning`, `critical`.'),
  kind: field.name('What sort of alert it is.'),
  message: field.text('What is wrong, for people.'),
};

/** Hosts with backups, and their alerts. */
export const hostEvents = {
  'host.reported': define({
    kind: 'host',
    summary: 'What a host’s agent last said; an absent field says nothing.',
    fields: {
      name: field.name('Name to show; the id if never told.'),
      online: field.flag('Whether its agent is online.'),
      lastRunAt: field.moment('When its last backup ended.'),
      lastRunOutcome: field.oneOf('How that backup ended.', ['success', 'failure', 'error', 'skipped']),
      repositoryBytes: field.count('Size of its repository.', 'bytes'),
      snapshots: field.count('Snapshots in its repository.', 'snapshots'),
      repositoryStatus: field.oneOf('State of its repository; `unknown` if never told.', [
        'unknown',
        'ready',
        'init_failed',
      ]),
    },
    defaultTenant: PLATFORM_TENANT,
  }),
  'alert.opened': define({
    kind: 'alert',
    summary: 'Something is wrong.',
    fields: { ...alertFields, severity: field.required(alertFields.severity) },
    defaultTenant: PLATFORM_TENANT,
  }),
  'alert.closed': define({
    kind: 'alert',
    summary: 'It is no longer wrong.',
    fields: alertFields,
    defaultTenant: PLATFORM_TENANT,
  }),
};
