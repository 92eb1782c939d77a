// An agent's life from Node: node dist/examples/agent.js RPC_URL ROOT_ID ROOT_KEY
//
// Registers an agent, reads it back, opens it to transfers, moves it as an NFT, and checks a grant's record. Every
// answer is typed by the contract's ABI: rename a field there, and this does not compile.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Keys, ONE_YOCTO, type Registry, STORAGE_DEPOSIT } from '../src/index.js';
import { create, gas, keys, refused, registry } from './chain.js';

const [ann, ben] = [await create('ann'), await create('ben')];

// Registering answers with the id.
const card = JSON.stringify({ name: 'scout' });
const sha256 = createHash('sha256').update(card).digest('hex');
const id: number = await registry.call.register_agent({
  account: ann,
  args: { card: { uri: 'https://ann.example/card.json', sha256 } },
  deposit: STORAGE_DEPOSIT,
  gas,
});
const agent: Registry.Agent | null = await registry.view.agent({ args: { agent: id } });
assert(agent);
assert.equal(agent.owner, ann.accountId);
assert.equal(agent.card.sha256, sha256);
assert.equal(agent.status.state, 'active');
const none = await registry.view.agent({ args: { agent: 99 } });
assert.equal(none, null);

// Lists are arrays of the same record, and pages may be left out.
const owned = await registry.view.agents_of({ args: { account: ann.accountId } });
assert.deepEqual(owned.map((one) => one.id), [id]);

// Every agent is an NFT to look at; it moves like one only if its owner opted in.
const token = await registry.view.nft_token({ args: { token_id: String(id) } });
assert.equal(token?.owner_id, ann.accountId);
assert.equal(token?.metadata?.title, `Agent ${id}`);
assert.equal(await registry.view.nft_supply_for_owner({ args: { account_id: ann.accountId } }), '1');
assert.equal((await registry.view.nft_metadata()).spec, 'nft-1.0.0');
const move = () =>
  registry.call.nft_transfer({
    account: ann,
    args: { receiver_id: ben.accountId, token_id: String(id) },
    deposit: ONE_YOCTO,
    gas,
  });
await refused('REGISTRY_NOT_TRANSFERABLE', move);
await registry.call.set_transferable({ account: ann, args: { agent: id, transferable: true }, deposit: ONE_YOCTO, gas });
await refused('REGISTRY_NOT_REGISTERED', move);
await registry.call.storage_deposit({ account: ben, args: {}, deposit: STORAGE_DEPOSIT, gas });
await move();
const moved = await registry.view.standing({ args: { agent: id } });
assert.equal(moved?.owner, ben.accountId);
assert.notEqual(moved?.epochs.agent, agent.epoch);

// A stranger is refused with a code.
await refused('REGISTRY_NOT_OWNER', () =>
  registry.call.retire({ account: ann, args: { agent: id }, deposit: ONE_YOCTO, gas }),
);

// A secret by its hash only, with one grant, as keys shows them.
const policy: Keys.Policy = {
  effects: ['read'],
  targets: [{ scheme: 'https', host: 'api.example.com', port: 443, paths: ['/v1'], methods: ['GET'] }],
  inject: { header: { name: 'authorization', prefix: 'Bearer ' } },
  body_bytes_max: 1_000,
  response_bytes_max: 1_000,
};
await keys.call.storage_deposit({ account: ben, args: {}, deposit: STORAGE_DEPOSIT, gas });
const added = await keys.call.create_secret({
  account: ben,
  args: {
    agent: id,
    label_hash: sha256,
    mode: 'external',
    ceiling: policy,
    sha256,
    grants: [{ grantee: { account: ann.accountId }, policy, expires_ms: Date.now() + 10 * 365 * 24 * 3_600_000 }],
  },
  deposit: ONE_YOCTO,
  gas,
});
const lineage: Keys.Grant[] = await keys.view.lineage({ args: { grant: added.grants[0] ?? 0 } });
assert.deepEqual(lineage[0]?.grantee, { account: ann.accountId });
assert.equal(lineage[0]?.suspended, 'no');
assert.equal(lineage[0]?.agent, id);
assert.equal(await keys.view.mpc(), null);

console.log('all steps passed');
