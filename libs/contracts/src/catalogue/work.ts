import { MAX_FILES } from '../limits.js';
import { define } from './definition.js';
import * as field from './fields.js';

const scope = field.scope('Scope it lies in, empty for none; the tenant if absent.');
const workspace = field.name('Workspace it lies in.');

const artifactFields = {
  category: field.name('Category, such as `debian:source-package`.'),
  scope,
  workspace,
  fileStore: field.reference('file_store', 'File store that holds it.'),
  user: field.name('User who created it.'),
  files: field.listOf('Its files.', MAX_FILES, {
    path: field.text('Path within the artifact.'),
    size: field.required(field.count('Size of the file.', 'bytes')),
    sha256: field.name('Digest of the content: files of one digest and size are one file in a store.'),
    fileStore: field.reference(
      'file_store',
      'File store that holds this file, if another than the artifact says.',
    ),
  }),
};

/** Workflows and what work leaves behind. */
export const workEvents = {
  'workflow.created': define({
    kind: 'workflow',
    summary: 'A user began a workflow.',
    fields: {
      template: field.name('Template it was made from.'),
      taskName: field.name('What it does, such as `debian_pipeline`.'),
      user: field.name('User who began it.'),
      parent: field.reference(
        'workflow',
        'Workflow that began it; without one it is a root workflow, and counts as activity of its user.',
      ),
      scope,
      workspace,
    },
  }),
  'artifact.created': define({
    kind: 'artifact',
    summary: 'An artifact exists.',
    fields: { ...artifactFields, category: field.required(artifactFields.category) },
  }),
  'artifact.deleted': define({
    kind: 'artifact',
    summary: 'The artifact is gone for good.',
    fields: artifactFields,
  }),
};
