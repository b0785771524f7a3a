import type { MigrationInterface } from 'typeorm';
import { CreateEventLog1762000000000 } from './create-event-log.migration.js';

/** The migrations of this library, oldest first. */
export const eventLogMigrations: (new () => MigrationInterface)[] = [CreateEventLog1762000000000];
