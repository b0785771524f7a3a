import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new secret: `qk_` and 256 random bits in base64url. It is shown once and never stored. */
export function generateSecret(): string {
  return `qk_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a secret: its SHA-256. The secret has 256 random bits, so no salt or stretching helps. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/** Compares two texts in a time that does not tell where they differ. */
export function equalConstantTime(a: string, b: string): boolean {
  return timingSafeEqual(hashSecret(a), hashSecret(b));
}
