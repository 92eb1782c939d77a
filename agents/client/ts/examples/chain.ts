// What the examples begin with: the chain that they are told, the contracts below its root account, and new accounts.
import assert from 'node:assert/strict';
import { Account, JsonRpcProvider, KeyPair, nearToYocto, teraToGas } from 'near-api-js';
import { accountsBelow, charter, codeOf } from '../src/index.js';

const [program, url, rootId, rootKey] = process.argv.slice(1);
if (!url || !rootId || !rootKey) {
  console.error(`usage: node ${program} RPC_URL ROOT_ID ROOT_KEY`);
  process.exit(2);
}
export const provider = new JsonRpcProvider({ url });
export const accounts = accountsBelow(rootId);
export const { registry, keys, governance, escrow } = charter(provider, accounts);
export const gas = teraToGas('100');
const root = new Account(rootId, provider, rootKey as `ed25519:${string}`);

/** The chain's clock, milliseconds. That of a test chain runs ahead of ours. */
export const now = async () => Number((await provider.viewBlock({ finality: 'final' })).header.timestamp) / 1e6;

export async function create(name: string, near = 20): Promise<Account> {
  const key = KeyPair.fromRandom('ed25519');
  await root.createSubAccount({
    accountOrPrefix: name,
    publicKey: key.getPublicKey(),
    nearToTransfer: nearToYocto(near),
  });
  return new Account(`${name}.${rootId}`, provider, key.toString());
}

export async function refused(code: string, call: () => Promise<unknown>): Promise<void> {
  const error = await call().then(
    () => assert.fail(`${code} was expected, and it went through`),
    (error: unknown) => error,
  );
  assert.equal(codeOf(error), code, String(error));
}
