import { ConfigError } from '@quipu/platform';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const names = z.array(z.string().min(1).max(200)).max(2_000).default([]);

const schema = z.strictObject({
  /** Names of tasks by their type. */
  tasks: z.record(z.string().min(1).max(200), names).default({}),
  workflows: names,
  artifactCategories: names,
  collectionCategories: names,
  assetCategories: names,
  /** Categories of assets that lie in no scope. */
  platformAssetCategories: names,
  issuers: names,
});

/** Names that have a row of zeros before anything happens, so that a query finds a series and not nothing. */
export type Vocabulary = z.output<typeof schema>;

/** No names at all. */
export const NO_VOCABULARY: Vocabulary = schema.parse({});

/** Reads a vocabulary. @throws ConfigError that names the file and what is wrong with it. */
export function readVocabulary(file: string): Vocabulary {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`QUIPU_METRICS_VOCABULARY=${JSON.stringify(file)} cannot be read as JSON.`, {
      cause: error,
    });
  }
  const parsed = schema.safeParse(read);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new ConfigError(`QUIPU_METRICS_VOCABULARY=${JSON.stringify(file)} is no vocabulary: ${issues}.`);
}
