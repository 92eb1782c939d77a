// The examples against the real contracts: `npm test` builds the client, starts a chain with them, and runs all.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { start } from '../../../../sandbox-tests/localnet/tests/js/chain.mjs';
import { domainOf } from '../dist/examples/bytes.js';
import { hashOf, isAgreed, payloadOf, refusalOf } from '../dist/examples/offer.js';

const folder = mkdtempSync(join(tmpdir(), 'charter-'));
const demo = ['--until', 'deploy', '--serve', '--data-dir', folder, '--api-addr', '127.0.0.1:0'];
const chain = await start(['--bin', 'charter', '--', 'demo', ...demo], join(folder, 'chain/validator_key.json'));
after(async () => {
  await chain.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(name) {
  const example = new URL(`../dist/examples/${name}.js`, import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [example, chain.url, chain.rootId, chain.rootKey]);
  assert.match(stdout, /all steps passed/);
}

test('near-api-js reads typed answers of the contracts', () => run('agent'));
test('a member of a DAO votes by stake through near-api-js', () => run('dao'));
test('a council states, cancels, rolls out, takes back, amends and upgrades through near-api-js', () => run('council'));
test('a thousand vouchers are paid with a few transactions', () => run('payments'));
test('two agents agree on a price and hold each other to it', () => run('haggle'));

test('the examples write and judge offers as everybody does', () => {
  const vectors = JSON.parse(readFileSync(new URL('../../vectors/offer.json', import.meta.url)));
  const domain = domainOf('charter/offer', vectors.chain_id, vectors.escrow);
  const offers = new Map(vectors.offers.map(({ name, offer }) => [name, offer]));
  for (const { name, offer, hash, text } of vectors.offers) {
    assert.equal(hashOf(domain, offer), hash, name);
    assert.equal(payloadOf(domain, vectors.escrow, offer).message, text, name);
  }
  for (const { offer, price, at_ms: atMs, refused } of vectors.prices) {
    assert.equal(refusalOf(offers.get(offer), BigInt(price), atMs), refused, `${offer}: ${price} at ${atMs}`);
  }
  for (const { name, offer, channel, splits, refused } of vectors.channels) {
    assert.equal(isAgreed(domain, offers.get(offer), channel, splits), refused === null, name);
  }
});
