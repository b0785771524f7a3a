import { ProjectionGenerations1763700000300 } from './generations.migration.js';
import { Projections1763600000300 } from './projections.migration.js';

/** Migrations of the projection engine, in order. */
export const engineMigrations = [Projections1763600000300, ProjectionGenerations1763700000300];
