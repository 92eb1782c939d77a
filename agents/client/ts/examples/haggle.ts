// Two agents that haggle, from Node: node dist/examples/haggle.js RPC_URL ROOT_ID ROOT_KEY
//
// One sells translations, the other wants ten. Offers go back and forth until one suits both, and the seller signs it. Its
// hash goes into the channel, and from then on neither side signs or takes another price.
import assert from 'node:assert/strict';
import { type Account, baseDecode, baseEncode, nearToYocto, yoctoToNear } from 'near-api-js';
import { signMessage, verifyMessage } from 'near-api-js/nep413';
import { STORAGE_DEPOSIT } from '../src/index.js';
import { domainOf, sha256 } from './bytes.js';
import { accounts, create, escrow, gas, now, provider, registry } from './chain.js';
import { claim, newVoucherKey, Payee, Payer, type PriceRule, see, type Voucher, WITHDRAW_DELAY_MS } from './channel.js';
import { hashOf, isAgreed, type Offer, payloadOf, refusalOf } from './offer.js';

const domain = domainOf('charter/offer', await provider.getNetworkId(), accounts.escrow);
const hash = (offer: Offer) => hashOf(domain, offer);

const [seller, buyer] = [await create('seller'), await create('buyer')];
const agent: number = await registry.call.register_agent({
  account: seller,
  args: { card: { uri: 'https://seller.example/card.json', sha256: sha256(Buffer.from('a card')).toString('hex') } },
  deposit: STORAGE_DEPOSIT,
  gas,
});

const priceOf = ({ prices }: Offer): bigint => BigInt(prices[0]?.amount ?? assert.fail('it offers nothing'));
/** The same offer at another price, as the answer to it. */
const counter = (offer: Offer, amount: bigint): Offer => ({
  ...offer,
  prices: offer.prices.map((price) => ({ ...price, amount: String(amount) })),
  parent: hash(offer),
});
/** Whether that is an answer to the offer, and changes nothing but the price. */
const isAnswer = (offer: Offer, answer: Offer) => hash(counter(offer, priceOf(answer))) === hash(answer);

// What each would settle for, which it does not tell. What does not suit it, it answers half way to its own last price.
const LEAST = nearToYocto('0.0014');
const MOST = nearToYocto('0.0018');
const halfWay = (one: Offer, other: Offer): bigint => (priceOf(one) + priceOf(other)) / 2n;
const atMost = (most: bigint, price: bigint) => (price < most ? price : most);
const atLeast = (least: bigint, price: bigint) => (price > least ? price : least);

const opening: Offer = {
  payee: seller.accountId,
  agent,
  service: 'https://seller.example/v1',
  asset: 'near',
  prices: [{ item: 'POST /translate', amount: String(nearToYocto('0.003')), units_max: 1 }],
  level: { answer_within_ms: 2_000, availability_bps: 9_900 },
  expires_at_ms: Math.floor(await now()) + 10 * 60_000,
  parent: null,
};

interface SignedOffer {
  offer: Offer;
  by: { account: { callback_url: null } };
  key: string;
  signature: string;
}

/** By the payee's account, as a wallet does it. A `Pay` key of its agent could, too. */
async function signOffer(offer: Offer, signerAccount: Account): Promise<SignedOffer> {
  const payload = payloadOf(domain, accounts.escrow, offer);
  const { publicKey, signature } = await signMessage({ signerAccount, payload });
  const by = { account: { callback_url: null } };
  return { offer, by, key: publicKey.toString(), signature: `ed25519:${baseEncode(signature)}` };
}

/** Fails unless the payee signed: near-api-js asks the chain whether the key is a full-access key of it. */
const checkOffer = ({ offer, key, signature }: SignedOffer): Promise<void> =>
  verifyMessage({
    signerAccountId: offer.payee,
    signerPublicKey: key,
    payload: payloadOf(domain, accounts.escrow, offer),
    signature: baseDecode(signature.replace('ed25519:', '')),
    provider,
  });

/** The buyer: takes what is cheap enough, or says what it would pay. Only a payee signs offers, so that is unsigned. */
async function buyerHears(said: SignedOffer, asked: Offer | null): Promise<Offer | 'agreed'> {
  await checkOffer(said);
  const { offer } = said;
  assert((await now()) <= offer.expires_at_ms);
  assert.equal((await registry.view.agent({ args: { agent: offer.agent ?? 0 } }))?.payout, offer.payee);
  // What it asked for, signed, or an answer to that: nothing else is to have changed.
  if (asked) assert(hash(offer) === hash(asked) || isAnswer(asked, offer));
  if (priceOf(offer) <= MOST) return 'agreed';
  return counter(offer, asked ? atMost(MOST, halfWay(asked, offer)) : nearToYocto('0.001'));
}

/** The seller: signs what the buyer asks for if that is enough, else an answer. */
function sellerHears(asked: Offer, said: SignedOffer): Promise<SignedOffer> {
  assert(isAnswer(said.offer, asked));
  if (priceOf(asked) >= LEAST) return signOffer(asked, seller);
  return signOffer(counter(asked, atLeast(LEAST, halfWay(said.offer, asked))), seller);
}

let said = await signOffer(opening, seller);
console.log(`seller: ${yoctoToNear(priceOf(said.offer))} NEAR`);
// Nobody else can offer in its name, and no price can be changed on the way.
await assert.rejects(checkOffer(await signOffer(opening, buyer)), /access key/i);
await assert.rejects(checkOffer({ ...said, offer: { ...opening, parent: hash(opening) } }), /Signature/);
let rounds = 0;
for (let asked = await buyerHears(said, null); asked !== 'agreed'; asked = await buyerHears(said, asked)) {
  console.log(`buyer: ${yoctoToNear(priceOf(asked))} NEAR, to ${asked.parent?.slice(0, 8)}`);
  said = await sellerHears(asked, said);
  console.log(`seller: ${yoctoToNear(priceOf(said.offer))} NEAR, to ${said.offer.parent?.slice(0, 8)}`);
  rounds += 1;
  assert(rounds < 20, 'they do not come together');
}
const { offer } = said;
const price = priceOf(offer);
assert.deepEqual([rounds, price], [2, nearToYocto('0.0015')]);

// The channel names what was agreed. Both ends see to that, and then hold each other to it.
const voucherKey = newVoucherKey();
const channel: string = await escrow.call.open({
  account: buyer,
  args: {
    payee: offer.payee,
    agent,
    voucher_key: voucherKey.text,
    withdraw_delay_ms: WITHDRAW_DELAY_MS,
    offer: hash(offer),
  },
  deposit: nearToYocto('0.1'),
  gas,
});
const seen = await see(channel);
assert(isAgreed(domain, offer, seen.channel));
assert(!isAgreed(domain, opening, seen.channel), 'the first price is not what was agreed');
const agreed: PriceRule = (price, nowMs) => refusalOf(offer, price, nowMs);
const [payer, payee] = [new Payer(voucherKey.key, seen, agreed), new Payee(seen, agreed)];
const nowMs = seen.atMs;

/** What the seller's program does with a request: the answer, or the code that refuses it. */
function serve(text: string, voucher: Voucher, wanted = price): string {
  const answer = payee.accept(voucher, wanted, nowMs);
  return answer === 'accepted' ? text.toUpperCase() : answer;
}
for (let request = 1; request <= 10; request += 1) {
  assert.equal(serve(`request ${request}`, payer.pay(price, nowMs)), `REQUEST ${request}`);
}

// Another price: the buyer signs none.
const first = priceOf(opening);
assert.throws(() => payer.pay(first, nowMs), /PAY_WRONG_PRICE/);
assert.throws(() => payer.pay(price - 1n, nowMs), /PAY_WRONG_PRICE/);
assert.throws(() => payer.pay(price, offer.expires_at_ms + 1), /OFFER_ENDED/);
// The seller takes none either, whatever a buyer's program without the offer signs: not the first price, not a bit less.
const paying = (more: bigint) => new Payer(voucherKey.key, seen).pay(10n * price + more, nowMs);
assert.equal(serve('dear', paying(first), first), 'PAY_WRONG_PRICE');
assert.equal(serve('cheap', paying(price - 1n)), 'PAY_NOT_NEXT');
console.log(`10 requests at ${yoctoToNear(price)} NEAR; other prices are refused`);

// Settled with one voucher, and closed: the rest is the buyer's again.
const paid = String(10n * price);
assert.deepEqual(await claim(seller, [payee.last]), [[channel, paid]]);
assert.equal((await see(channel)).channel.paid, paid);
const poor = await buyer.getBalance();
await escrow.call.close({ account: seller, args: { channel }, gas });
assert((await buyer.getBalance()) - poor >= BigInt(seen.channel.deposited) - 10n * price);
assert.equal(await escrow.view.channel({ args: { channel } }), null);

console.log('all steps passed');
