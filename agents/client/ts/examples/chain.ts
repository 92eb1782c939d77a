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
/** Whose chain it is: the council of line 1, which decides about Charter's own contracts. */
export const root = new Account(rootId, provider, rootKey as `ed25519:${string}`);

/** The chain's clock, milliseconds. That of a test chain runs ahead of ours. */
export const now = async () => Number((await provider.viewBlock({ finality: 'final' })).header.timestamp) / 1e6;

/** Skips blocks until the chain's clock says so. */
export async function until(timeMs: number): Promise<void> {
  for (let left = timeMs - (await now()); left > 0; left = timeMs - (await now())) {
    const params = { delta_height: Math.ceil(left / 600) };
    // near-api-js has no name for what only a test chain knows.
    await provider.sendJsonRpc('sandbox_fast_forward' as 'block', params as never);
  }
}

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
