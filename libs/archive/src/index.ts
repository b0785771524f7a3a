import { ArchiveCatalogue1764200000500 } from './migrations/archive-catalogue.migration.js';

/** The migrations of this library, in order. */
export const archiveMigrations = [ArchiveCatalogue1764200000500];
