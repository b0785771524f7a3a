export * from './environment.js';
export * from './level-buckets.js';
export * from './test-database.js';
export * from './test-redis.js';
