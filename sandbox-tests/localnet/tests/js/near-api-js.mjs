// near-api-js against a localnet: `npm test` starts one and runs every step below. Each ends in an assertion.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Account, JsonRpcProvider, KeyPair, actions, nearToYocto, teraToGas } from 'near-api-js';

import { start } from './chain.mjs';

const chain = await start(['--bin', 'charter-localnet', '--', '--rpc-addr', '127.0.0.1:0']);
after(() => chain.stop());
const { url, rootId, rootKey } = chain;
const wasmFile = new URL('../data/probe.wasm', import.meta.url);
const provider = new JsonRpcProvider({ url });
const root = new Account(rootId, provider, rootKey);
const gas = teraToGas('30');

async function create(name) {
  const key = KeyPair.fromRandom('ed25519');
  const id = `${name}.${rootId}`;
  await root.createSubAccount({
    accountOrPrefix: name,
    publicKey: key.getPublicKey(),
    nearToTransfer: nearToYocto('20'),
  });
  return new Account(id, provider, key.toString());
}

test('near-api-js does everything', async () => {
  const contract = await create('contract');
  const alice = await create('alice');
  const bob = await create('bob');
  assert.equal((await alice.getState()).balance.total, nearToYocto('20'));

  await contract.deployContract(readFileSync(wasmFile));
  assert.notEqual((await contract.getState()).codeHash, '11111111111111111111111111111111');

  const write = (length) => ({ script: [{ write: { key: 'k', len: length } }] });
  const run = (args, deposit = 0n) =>
    alice.callFunctionRaw({ contractId: contract.accountId, methodName: 'run', args, deposit, gas });
  const peek = (blockQuery) =>
    provider.callFunction({ contractId: contract.accountId, method: 'peek', args: { key: 'k' }, blockQuery });

  const before = (await contract.getState()).balance.total;
  await run(write(3), nearToYocto('1'));
  const received = (await contract.getState()).balance.total - before;
  assert.ok(received >= nearToYocto('1') && received < nearToYocto('1.01'), `${received}`);
  assert.equal(await peek(), 3);

  // A view at the block before sees the state of that block.
  const old = (await provider.viewBlock({ finality: 'final' })).header.hash;
  await run(write(7));
  assert.equal(await peek(), 7);
  assert.equal(await peek({ blockId: old }), 3);

  await assert.rejects(run({ script: [{ panic: 'PROBE_PANIC: on purpose' }] }), /PROBE_PANIC: on purpose/);
  await assert.rejects(provider.viewAccount({ accountId: 'nobody.near' }), /does not exist/);

  const limited = KeyPair.fromRandom('ed25519');
  await alice.addFunctionCallAccessKey({
    publicKey: limited.getPublicKey(),
    contractId: contract.accountId,
    methodNames: ['run'],
    allowance: nearToYocto('0.25'),
  });
  const keys = (await alice.getAccessKeyList()).keys;
  assert.equal(keys.length, 2);
  const guest = new Account(alice.accountId, provider, limited.toString());
  await guest.callFunctionRaw({ contractId: contract.accountId, methodName: 'run', args: write(8), gas });
  assert.equal(await peek(), 8);
  await assert.rejects(guest.transfer({ receiverId: bob.accountId, amount: 1n }));
  await alice.deleteKey(limited.getPublicKey());
  assert.equal((await alice.getAccessKeyList()).keys.length, 1);

  // A batch does all or nothing.
  const call = (args) => actions.functionCall('run', args, gas, 0n);
  await alice.signAndSendTransaction({ receiverId: contract.accountId, actions: [call(write(9)), call(write(10))] });
  assert.equal(await peek(), 10);
  await assert.rejects(
    alice.signAndSendTransaction({
      receiverId: contract.accountId,
      actions: [call(write(11)), call({ script: [{ panic: 'second' }] })],
      throwOnFailure: true,
    }),
  );
  assert.equal(await peek(), 10);

  // Bob relays and pays; alice acts.
  const aliceBefore = (await alice.getState()).balance.total;
  const { signedDelegate } = await alice.createSignedMetaTransaction({
    receiverId: contract.accountId,
    actions: [call(write(12))],
  });
  await bob.relayMetaTransaction(signedDelegate);
  assert.equal(await peek(), 12);
  assert.equal((await alice.getState()).balance.total, aliceBefore);
  assert.ok((await bob.getState()).balance.total < nearToYocto('20'));
});
