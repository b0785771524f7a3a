import type { MigrationInterface } from 'typeorm';
import { CreateEventLog1762000000000 } from './create-event-log.migration.js';
import { DeadLetterIdentity1763700000100 } from './dead-letter-identity.migration.js';
import { DeadLetterStatus1763700000200 } from './dead-letter-status.migration.js';
import { IngestCounts1763900000200 } from './ingest-counts.migration.js';
import { LogArchives1763900000000 } from './log-archives.migration.js';
import { LogIdentity1764600000200 } from './log-identity.migration.js';

/** The migrations of this library, oldest first. */
export const eventLogMigrations: (new () => MigrationInterface)[] = [
  CreateEventLog1762000000000,
  DeadLetterIdentity1763700000100,
  DeadLetterStatus1763700000200,
  LogArchives1763900000000,
  IngestCounts1763900000200,
  LogIdentity1764600000200,
];
