// Vouchers as wallets sign them, written from docs/payments.md, and the message signed once more by near-api-js, which nobody
// here wrote.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { KeyPairSigner } from 'near-api-js';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/wallet.json', import.meta.url)));

const hex = (text) => Buffer.from(text, 'hex');
const seed = hex(vectors.seed);

/** A raw ed25519 seed as Node wants it (RFC 8410). */
const key = createPrivateKey({
  key: Buffer.concat([hex('302e020100300506032b657004220420'), seed]),
  format: 'der',
  type: 'pkcs8',
});

function base58(bytes) {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let [text, rest] = ['', BigInt(`0x${bytes.toString('hex')}`)];
  for (; rest > 0n; rest /= 58n) text = letters[Number(rest % 58n)] + text;
  return '1'.repeat(bytes.findIndex((byte) => byte !== 0)) + text;
}

function textOf(voucher) {
  const expires = voucher.expires_at_ms === '0' ? 'never' : `${voucher.expires_at_ms} ms after 1970-01-01 UTC`;
  return [
    'Charter payment voucher',
    `I promise ${voucher.cumulative} in all, in the smallest unit of the channel's asset.`,
    `Channel: ${voucher.channel}`,
    `Escrow: ${vectors.escrow}`,
    `Expires: ${expires}`,
    `Voucher: ${voucher.bytes}`,
  ].join('\n');
}

test('a wallet shows and signs this', async () => {
  const secret = Buffer.concat([seed, hex(vectors.key)]);
  const wallet = KeyPairSigner.fromSecretKey(`ed25519:${base58(secret)}`);
  assert.equal((await wallet.getPublicKey()).toString(), `ed25519:${base58(hex(vectors.key))}`);
  assert.ok(vectors.vouchers.length >= 3);
  for (const { voucher, text, nonce, hash, signature, callback_url: callbackUrl } of vectors.vouchers) {
    assert.equal(voucher.bytes.length, 268);
    assert.equal(textOf(voucher), text);
    assert.equal(createHash('sha256').update(hex(voucher.bytes)).digest('hex'), nonce);
    const params = { message: text, nonce: hex(nonce), recipient: vectors.escrow };
    if (callbackUrl !== null) params.callbackUrl = callbackUrl;
    const signed = await wallet.signNep413Message('alice.near', params);
    assert.equal(Buffer.from(signed.signature).toString('hex'), signature);
    assert.equal(sign(null, hex(hash), key).toString('hex'), signature);
  }
});
