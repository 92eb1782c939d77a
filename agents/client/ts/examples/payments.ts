// A thousand payments from Node: node dist/examples/payments.js RPC_URL ROOT_ID ROOT_KEY
//
// A reader sets money aside for an author, pays by the page, and a quarter of it is the translator's. Each payment is a
// signature; the chain sees four calls, however many pages there were.
import assert from 'node:assert/strict';
import { type Account, nearToYocto, yoctoToNear } from 'near-api-js';
import { termsOf } from './bytes.js';
import { create, escrow, gas, refused } from './chain.js';
import { claim, newVoucherKey, Payee, Payer, see, voucherDomain, WITHDRAW_DELAY_MS } from './channel.js';

const PAGES = 1_000;
const PRICE = nearToYocto('0.0001');
const ALL = BigInt(PAGES) * PRICE;
const [reader, author, translator] = [await create('reader'), await create('author'), await create('translator')];
// Who is refused is not one of them: that would count as fees.
const stranger = await create('stranger');
const splits = [{ account: translator.accountId, bps: 2_500 }];

/** What the three have together: what is missing in the end, the chain took. */
async function together(): Promise<bigint> {
  const states = await Promise.all([reader, author, translator].map((account) => account.getState()));
  return states.reduce((sum, { balance }) => sum + balance.total, 0n);
}
const before = await together();

// Opening. What storage leaves of the deposit is the channel's, and both come back in the end.
const voucherKey = newVoucherKey();
const channel: string = await escrow.call.open({
  account: reader,
  args: { payee: author.accountId, voucher_key: voucherKey.text, withdraw_delay_ms: WITHDRAW_DELAY_MS, splits },
  deposit: nearToYocto('0.2'),
  gas,
});

// Both ends look for themselves, the author also at what it is to share.
assert.equal(await escrow.view.voucher_domain_of(), voucherDomain.toString('hex'));
const [ours, theirs] = [await see(channel), await see(channel)];
assert.equal(theirs.channel.payee, author.accountId);
assert.equal(theirs.channel.terms_hash, termsOf(splits, null));
assert(BigInt(theirs.channel.deposited) > ALL);
const [payer, payee] = [new Payer(voucherKey.key, ours), new Payee(theirs)];
const nowMs = theirs.atMs;

// Off chain: with each page goes a voucher for all pages so far.
const startMs = performance.now();
const vouchers = Array.from({ length: PAGES }, () => payer.pay(PRICE, nowMs));
const signedMs = performance.now();
for (const voucher of vouchers) assert.equal(payee.accept(voucher, PRICE, nowMs), 'accepted');
const checkedMs = performance.now();
const perSecond = (ms: number) => Math.round((PAGES / ms) * 1_000);
console.log(`signed: ${perSecond(signedMs - startMs)} vouchers a second`);
console.log(`checked: ${perSecond(checkedMs - signedMs)} vouchers a second`);

// What pays nothing.
const { last } = payee;
const next = payer.pay(PRICE, nowMs);
const accept = (change: object, price = PRICE) => payee.accept({ ...next, ...change }, price, nowMs);
assert.equal(payee.accept(last, PRICE, nowMs), 'repeat');
assert.equal(accept({ channel: '00'.repeat(32) }), 'ESCROW_UNKNOWN_CHANNEL');
assert.equal(accept({ cumulative: BigInt(theirs.channel.deposited) + 1n }), 'ESCROW_OVER_DEPOSIT');
assert.equal(accept({ cumulative: next.cumulative + 1n }), 'ESCROW_BAD_SIGNATURE');
assert.equal(accept({}, 2n * PRICE), 'PAY_NOT_NEXT');
assert.equal(payee.accept(next, PRICE, nowMs + WITHDRAW_DELAY_MS), 'ESCROW_CLOSING');

// On chain: the last one claims all. An older one is harmless, and the author's part is sent along.
const results = await claim(author, [last, vouchers[PAGES / 2] ?? assert.fail('no vouchers')]);
assert.deepEqual(results, [[channel, String(ALL)], [channel, 'ESCROW_NOT_HIGHER']]);
const claimed = await see(channel);
assert.deepEqual([claimed.channel.claimed, claimed.channel.paid], [String(ALL), String((ALL * 3n) / 4n)]);

// Shares are sent by anybody who names the terms again.
const poor = await translator.getBalance();
const distribute = (account: Account, bps: number) =>
  escrow.call.distribute({
    account,
    args: { channel, splits: [{ account: translator.accountId, bps }], shares: [0] },
    gas,
  });
await refused('ESCROW_WRONG_TERMS', () => distribute(stranger, 2_600));
assert.equal(await distribute(author, 2_500), String(ALL / 4n));
assert.equal((await translator.getBalance()) - poor, ALL / 4n);

// The author closes, at once; the rest goes back. Were it silent, the reader would ask to close, and wait.
const close = (account: Account) => escrow.call.close({ account, args: { channel }, gas, waitUntil: 'FINAL' });
await refused('ESCROW_NOT_PAYEE', () => close(stranger));
await close(author);
assert.equal(await escrow.view.channel({ args: { channel } }), null);

const cost = before - (await together());
assert(cost > 0n && cost < nearToYocto('0.05'), 'fees are all that is missing');
console.log(`paid: ${yoctoToNear(ALL)} NEAR in ${PAGES} payments of ${yoctoToNear(PRICE)}`);
console.log(`fees: ${yoctoToNear(cost, 6)} NEAR, ${yoctoToNear(cost / BigInt(PAGES), 9)} a payment`);
console.log('all steps passed');
