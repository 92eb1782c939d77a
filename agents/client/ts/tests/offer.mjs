// Offers once more, written from contracts/escrow/README.md alone and with nothing but Node's own crypto. It says the same as
// the Rust client of every vector, and of each message with any bit flipped.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/offer.json', import.meta.url)));

const hex = (text) => Buffer.from(text, 'hex');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** `size` bytes, little endian. */
function number(value, size) {
  const out = Buffer.alloc(size);
  for (let at = 0, rest = BigInt(value); at < size; at += 1, rest >>= 8n) out[at] = Number(rest & 255n);
  return out;
}

const string = (text) => Buffer.concat([number(Buffer.byteLength(text), 4), Buffer.from(text)]);
const list = (items, write) => Buffer.concat([number(items.length, 4), ...items.map(write)]);
const option = (value, write) => (value === null ? number(0, 1) : Buffer.concat([number(1, 1), write(value)]));
const asset = (value) => (value === 'near' ? number(0, 1) : Buffer.concat([number(1, 1), string(value.nep141)]));

function domainOf(chainId, escrow) {
  return sha256(Buffer.concat([string('charter/offer'), number(1, 1), string(chainId), string(escrow)]));
}

function messageOf(domain, offer) {
  return Buffer.concat([
    domain,
    string(offer.payee),
    option(offer.agent, (agent) => number(agent, 8)),
    string(offer.service),
    asset(offer.asset),
    list(offer.prices, (price) =>
      Buffer.concat([string(price.item), number(price.amount, 16), number(price.units_max, 8)]),
    ),
    number(offer.level.answer_within_ms, 8),
    number(offer.level.availability_bps, 2),
    number(offer.expires_at_ms, 8),
    option(offer.parent, hex),
  ]);
}

const hashOf = (domain, offer) => sha256(messageOf(domain, offer)).toString('hex');

/** What a wallet shows and signs (NEP-413). */
const textOf = (domain, escrow, offer) =>
  [
    'Charter offer',
    `${offer.payee} offers ${offer.service} at ${offer.prices.length} prices, through channels of ${escrow}.`,
    `Expires: ${offer.expires_at_ms} ms after 1970-01-01 UTC`,
    `Offer: ${hashOf(domain, offer)}`,
  ].join('\n');

const walletHash = (message, nonce, recipient, callbackUrl) =>
  sha256(
    Buffer.concat([number(2 ** 31 + 413, 4), string(message), nonce, string(recipient), option(callbackUrl, string)]),
  );

/** A raw ed25519 key as Node wants it (RFC 8410). */
const publicKey = (raw) =>
  createPublicKey({ key: Buffer.concat([hex('302a300506032b6570032100'), hex(raw)]), format: 'der', type: 'spki' });

/** The bytes of `ed25519:` and base58. */
function base58(text) {
  const digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  const written = text.slice('ed25519:'.length);
  const value = [...written].reduce((sum, digit) => sum * 58n + BigInt(digits.indexOf(digit)), 0n);
  const zeroes = '00'.repeat(written.search(/[^1]/));
  const rest = value.toString(16);
  return hex(zeroes + rest.padStart(rest.length + (rest.length % 2), '0'));
}

const isAccount = (id) => id.length >= 2 && id.length <= 64 && /^[a-z0-9]+([._-][a-z0-9]+)*$/.test(id);

function badForm(offer) {
  const text = (value, most, pattern) => value.length >= 1 && value.length <= most && pattern.test(value);
  const items = offer.prices.map(({ item }) => item);
  const good =
    isAccount(offer.payee) &&
    (offer.asset === 'near' || isAccount(offer.asset.nep141)) &&
    text(offer.service, 256, /^[!-~]+$/) &&
    items.length >= 1 &&
    items.length <= 64 &&
    new Set(items).size === items.length &&
    items.every((item) => text(item, 128, /^[!-~]([ -~]*[!-~])?$/)) &&
    offer.prices.every((price) => BigInt(price.amount) >= 1n && BigInt(price.units_max) >= 1n) &&
    offer.level.availability_bps <= 10000;
  return good ? null : 'OFFER_BAD_FORM';
}

function badPrice(offer, price, atMs) {
  if (BigInt(price) === 0n) return 'PAY_WRONG_PRICE';
  if (atMs > offer.expires_at_ms) return 'OFFER_ENDED';
  const costs = ({ amount, units_max: most }) => {
    const [units, rest] = [BigInt(price) / BigInt(amount), BigInt(price) % BigInt(amount)];
    return rest === 0n && units >= 1n && units <= BigInt(most);
  };
  return offer.prices.some(costs) ? null : 'PAY_WRONG_PRICE';
}

const termsOf = (splits, hash) =>
  sha256(
    Buffer.concat([
      list(splits, ({ account, bps }) => Buffer.concat([string(account), number(bps, 2)])),
      option(hash, hex),
    ]),
  ).toString('hex');

const sameAsset = (one, other) => asset(one.asset).equals(asset(other.asset));

function notAgreed(domain, offer, channel, splits) {
  const named = channel.terms_hash === termsOf(splits, hashOf(domain, offer));
  return named && offer.payee === channel.payee && sameAsset(offer, channel) ? null : 'OFFER_NOT_AGREED';
}

function notNext(domain, offer, next) {
  const same = offer.payee === next.payee && offer.service === next.service && sameAsset(offer, next);
  return same && next.parent === hashOf(domain, offer) ? null : 'OFFER_NOT_NEXT';
}

/** Whether the key, as the chain shows it, is one that speaks for the offer's payee. */
function isPayees({ offer, by, key }, chain, atMs) {
  if (by !== 'pay_key') return chain.full_access?.includes(key) ?? false;
  if (offer.agent === null || chain.agent !== offer.agent || chain.payout !== offer.payee) return false;
  const { armed, status, keys } = chain.standing;
  const paused = status.state === 'paused' && (status.until_ms === null || status.until_ms > atMs);
  if (!armed || paused || status.state === 'retired') return false;
  return keys.some((known) => known.key === key && known.purpose === 'pay' && known.expires_ms > atMs);
}

/** What is made of an offer that somebody hands out. */
function verdict(domain, escrow, handedOut, chain, atMs) {
  const { offer, by, key, signature } = handedOut;
  if (badForm(offer)) return 'OFFER_BAD_FORM';
  if (atMs > offer.expires_at_ms) return 'OFFER_ENDED';
  const inWallet = ({ callback_url: url }) =>
    walletHash(textOf(domain, escrow, offer), hex(hashOf(domain, offer)), escrow, url);
  const signed = by === 'pay_key' ? messageOf(domain, offer) : inWallet(by.account);
  const good = verify(null, signed, publicKey(base58(key).toString('hex')), base58(signature));
  if (!good) return 'OFFER_BAD_SIGNATURE';
  return isPayees(handedOut, chain, atMs) ? null : 'OFFER_NOT_PAYEE';
}

const domain = domainOf(vectors.chain_id, vectors.escrow);
const offers = new Map(vectors.offers.map((vector) => [vector.name, vector]));

/** Whether a vector's message is signed in both ways. */
function signed({ offer, pay_key_signature: ownSignature, account_signature: walletSignature, callback_url: url }) {
  const nonce = hex(hashOf(domain, offer));
  const shown = walletHash(textOf(domain, vectors.escrow, offer), nonce, vectors.escrow, url);
  return [
    verify(null, messageOf(domain, offer), publicKey(vectors.pay_key), hex(ownSignature)),
    verify(null, shown, publicKey(vectors.account_key), hex(walletSignature)),
  ];
}

test('the domain is the one that the Rust client has', () => {
  assert.equal(domain.toString('hex'), vectors.domain);
});

test('every offer has these bytes, this hash, this text and these signatures', () => {
  assert.ok(vectors.offers.length >= 4);
  for (const vector of vectors.offers) {
    const { name, offer, message, hash, text } = vector;
    assert.equal(badForm(offer), null, name);
    assert.equal(messageOf(domain, offer).toString('hex'), message, name);
    assert.equal(hashOf(domain, offer), hash, name);
    assert.equal(textOf(domain, vectors.escrow, offer), text, name);
    assert.deepEqual(signed(vector), [true, true], name);
    assert.deepEqual(signed({ ...vector, offer: { ...offer, expires_at_ms: offer.expires_at_ms + 1 } }), [false, false]);
  }
});

test('no bit of an offer can be another one', () => {
  // The largest has as many bits as would take a minute.
  const short = vectors.offers.filter(({ message }) => message.length < 1000);
  assert.ok(short.length >= 4);
  for (const { name, message, pay_key_signature: signature } of short) {
    const good = hex(message);
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const bent = Buffer.from(good);
      bent[bit >> 3] ^= 1 << (bit & 7);
      assert.ok(!verify(null, bent, publicKey(vectors.pay_key), hex(signature)), `${name}: bit ${bit}`);
    }
  }
});

test('forms, prices, channels and successors are judged alike', () => {
  for (const { name, offer, refused } of vectors.forms) assert.equal(badForm(offer), refused, name);
  for (const { offer, price, at_ms: atMs, refused } of vectors.prices) {
    assert.equal(badPrice(offers.get(offer).offer, price, atMs), refused, `${offer}: ${price} at ${atMs}`);
  }
  for (const { name, offer, channel, splits, refused } of vectors.channels) {
    assert.equal(notAgreed(domain, offers.get(offer).offer, channel, splits), refused, name);
  }
  for (const { name, offer, next, refused } of vectors.successors) {
    assert.equal(notNext(domain, offers.get(offer).offer, next), refused, name);
  }
});

test('whose word an offer is, is judged alike', () => {
  assert.ok(vectors.verdicts.length >= 36);
  for (const { name, signed: handedOut, chain, at_ms: atMs, refused } of vectors.verdicts) {
    assert.equal(verdict(domain, vectors.escrow, handedOut, chain, atMs), refused, name);
  }
  const told = new Set(vectors.verdicts.map(({ refused }) => refused));
  const all = ['OFFER_BAD_FORM', 'OFFER_ENDED', 'OFFER_BAD_SIGNATURE', 'OFFER_NOT_PAYEE', null];
  assert.deepEqual(told, new Set(all));
});
