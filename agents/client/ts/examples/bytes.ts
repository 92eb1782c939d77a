// What is signed and hashed, in bytes: borsh, and what Charter makes of it (docs/payments.md, contracts/*/README.md).
import { createHash } from 'node:crypto';
import type { Escrow } from '../src/index.js';

export const hex = (text: string) => Buffer.from(text, 'hex');
export const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** A number of `size` bytes, little endian. */
export function number(value: bigint | number, size: number): Buffer {
  const out = Buffer.alloc(size);
  for (let at = 0, rest = BigInt(value); at < size; at += 1, rest >>= 8n) out[at] = Number(rest & 255n);
  return out;
}

export const string = (text: string) => Buffer.concat([number(Buffer.byteLength(text), 4), Buffer.from(text)]);

export const list = <T>(items: T[], write: (item: T) => Buffer) =>
  Buffer.concat([number(items.length, 4), ...items.map(write)]);

export const option = <T>(value: T | null, write: (value: T) => Buffer) =>
  value === null ? number(0, 1) : Buffer.concat([number(1, 1), write(value)]);

type Purpose = 'charter/voucher' | 'charter/offer' | 'charter/governance/content';

/** Goes into all that is signed or voted on: it is good for no other purpose, chain or contract. */
export const domainOf = (purpose: Purpose, chainId: string, contract: string) =>
  sha256(string(purpose), number(1, 1), string(chainId), string(contract));

/** What a channel says of the splits and the offer it was opened with. */
export const termsOf = (splits: Escrow.Split[], offer: string | null): string =>
  sha256(
    list(splits, ({ account, bps }) => Buffer.concat([string(account), number(bps, 2)])),
    option(offer, hex),
  ).toString('hex');
