import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';

const MAGIC = 0x7175_6970; // "quip": tells a token of this ledger from noise

/**
 * Positions as opaque tokens. A position tells how much the whole platform does, so scoped callers get it
 * enciphered (one AES block, keyed by the ledger's epoch): they can hand it back, not read it. A token of another
 * epoch does not decode, since its position means nothing here.
 */
export class PositionTokens {
  private readonly key: Buffer;

  /** @param epoch the ledger's epoch. */
  constructor(epoch: string) {
    this.key = createHash('sha256').update(`quipu position token\0${epoch}`).digest();
  }

  /** The token of a position. */
  encode(position: bigint): string {
    const block = Buffer.alloc(16);
    block.writeUInt32BE(MAGIC, 0);
    block.writeBigUInt64BE(position, 8);
    const cipher = createCipheriv('aes-256-ecb', this.key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]).toString('base64url');
  }

  /** The position of a token; null if it is none of this ledger's. */
  decode(token: string): bigint | null {
    const block = Buffer.from(token, 'base64url');
    if (block.length !== 16) return null;
    const decipher = createDecipheriv('aes-256-ecb', this.key, null).setAutoPadding(false);
    const plain = Buffer.concat([decipher.update(block), decipher.final()]);
    if (plain.readUInt32BE(0) !== MAGIC || plain.readUInt32BE(4) !== 0) return null;
    return plain.readBigUInt64BE(8);
  }
}
