// Vouchers once more, written from contracts/escrow/README.md alone and with nothing but Node's own crypto. It says the same
// as the contract's rules of every vector, and of each with any bit flipped.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const vectors = JSON.parse(readFileSync(new URL('../../../../contracts/rules/vectors/voucher.json', import.meta.url)));

const bytes = (hex) => Buffer.from(hex, 'hex');

/** `size` bytes, little endian. */
function number(value, size) {
  const out = Buffer.alloc(size);
  for (let at = 0, rest = BigInt(value); at < size; at += 1, rest >>= 8n) out[at] = Number(rest & 255n);
  return out;
}

const string = (text) => Buffer.concat([number(Buffer.byteLength(text), 4), Buffer.from(text)]);

function domainOf(chainId, contract) {
  const parts = [string('charter/voucher'), number(1, 1), string(chainId), string(contract)];
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

function signedBytes(domain, row) {
  return Buffer.concat([
    number(2 ** 31 + 0x434854, 4),
    number(1, 1),
    number(0, 1),
    domain,
    bytes(row.channel),
    number(row.cumulative, 16),
    number(row.expires_at_ms, 8),
    number(row.counter, 8),
    bytes(row.context_root),
  ]);
}

/** A raw ed25519 key as Node wants it (RFC 8410). */
const publicKey = (raw) =>
  createPublicKey({ key: Buffer.concat([bytes('302a300506032b6570032100'), raw]), format: 'der', type: 'spki' });

function refusal(domain, key, channel, row, atMs) {
  const [now, expires, promised] = [BigInt(atMs), BigInt(row.expires_at_ms), BigInt(row.cumulative)];
  if (channel.closed || row.channel !== channel.id) return 'ESCROW_UNKNOWN_CHANNEL';
  const over = channel.closes_ms !== null && now >= BigInt(channel.closes_ms) && now >= BigInt(channel.locked_until_ms);
  if (over) return 'ESCROW_CLOSING';
  if (expires !== 0n && expires < now) return 'ESCROW_EXPIRED';
  if (promised > BigInt(channel.deposited)) return 'ESCROW_OVER_DEPOSIT';
  if (promised <= BigInt(channel.claimed)) return 'ESCROW_NOT_HIGHER';
  if (!verify(null, signedBytes(domain, row), key, bytes(row.signature))) return 'ESCROW_BAD_SIGNATURE';
  return null;
}

const domain = domainOf(vectors.chain_id, vectors.contract);
const key = publicKey(bytes(vectors.voucher_key));

test('the domain is the one that the contract answers with', () => {
  assert.equal(domain.toString('hex'), vectors.domain);
});

test('every voucher is worth what the contract says', () => {
  assert.ok(vectors.cases.length >= 23);
  for (const { name, channel, at_ms: atMs, row, signed, refused } of vectors.cases) {
    assert.equal(refusal(domain, key, channel, row, atMs), refused, name);
    if (refused !== 'ESCROW_BAD_SIGNATURE') assert.equal(signedBytes(domain, row).toString('hex'), signed, name);
    assert.equal(bytes(signed).length, 134);
  }
});

test('no bit of a good voucher can be another one', () => {
  for (const { name, signed, row } of vectors.cases.filter(({ refused }) => refused === null)) {
    const good = bytes(signed);
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const bent = Buffer.from(good);
      bent[bit >> 3] ^= 1 << (bit & 7);
      assert.ok(!verify(null, bent, key, bytes(row.signature)), `${name}: bit ${bit}`);
    }
    for (const cut of [good.subarray(0, 133), Buffer.concat([good, Buffer.alloc(1)])]) {
      assert.ok(!verify(null, cut, key, bytes(row.signature)), name);
    }
  }
});
