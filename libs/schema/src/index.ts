export * from './data-source.js';
export * from './migrate.js';
export * from './pending-migrations.js';
export * from './unmigrate.js';
