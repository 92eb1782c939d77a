// A DAO member's part from Node: node dist/examples/dao.js RPC_URL ROOT_ID ROOT_KEY
//
// A line is decided by what is locked on it. A holder delegates a part and proposes a release, both vote, an agent's
// owner objects, the release is published, and the stake comes back. Hours pass in moments, as on a test chain only.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Account, nearToYocto } from 'near-api-js';
import { type Governance, ONE_YOCTO, STORAGE_DEPOSIT } from '../src/index.js';
import { create, gas, governance, now, refused, registry, until } from './chain.js';
import { contentHash } from './proposal.js';

const HOUR_MS = 3_600_000;
const near = (amount: number): string => String(nearToYocto(amount));

const [founder, holder] = [await create('founder', 100), await create('holder', 100)];
const [delegate, owner] = [await create('delegate', 100), await create('owner', 100)];

// A line on which votes take an hour, and those who object an hour to leave. Whoever voted stays for eight.
const params = { vote_ms: HOUR_MS, timelock_ms: HOUR_MS, quorum_bps: 5_001, threshold_bps: 5_001 };
const found = (unlock_ms: number) =>
  governance.call.create_line({
    account: founder,
    args: { name: 'scout', params, stake: { asset: 'near', unlock_ms, floor: near(10) } },
    deposit: STORAGE_DEPOSIT,
    gas,
  });
await refused('GOVERNANCE_BAD_STAKE', () => found(2 * HOUR_MS));
const line: number = await found(8 * HOUR_MS);

// An agent of somebody who locks nothing, on the line.
const permissions = createHash('sha256').update('none').digest('hex');
const agent = await registry.call.register_agent({
  account: owner,
  args: { card: { uri: 'https://owner.example/card.json', sha256: permissions } },
  deposit: STORAGE_DEPOSIT,
  gas,
});
await governance.call.storage_deposit({ account: owner, args: {}, deposit: STORAGE_DEPOSIT, gas });
await governance.call.enroll({
  account: owner,
  args: { agent, line, accepted: permissions },
  deposit: ONE_YOCTO,
  gas,
});

// Locking: the amount is attached, and what its row costs. What changes in one period, an eighth of the wait, counts
// from the next one on: here all does in one, from its begin.
await until(Math.ceil((await now()) / HOUR_MS) * HOUR_MS);
const lock = (account: Account, amount: number, deposit = nearToYocto(amount) + STORAGE_DEPOSIT) =>
  governance.call.lock({ account, args: { line, amount: near(amount) }, deposit, gas });
await refused('GOVERNANCE_NOT_ATTACHED', () => lock(holder, 60, nearToYocto(60)));
await lock(founder, 30);
await lock(holder, 60);
await lock(delegate, 5);

// Delegating a part of it, to who stands for that.
const give = (amount: number) =>
  governance.call.delegate({
    account: holder,
    args: { line, to: delegate.accountId, amount: near(amount) },
    deposit: STORAGE_DEPOSIT,
    gas,
  });
await refused('GOVERNANCE_NOT_DELEGATE', () => give(20));
await governance.call.stand({ account: delegate, args: { line }, deposit: STORAGE_DEPOSIT, gas });
await give(20);
const unlock = (amount: number): Promise<number> =>
  governance.call.unlock({ account: holder, args: { line, amount: near(amount) }, deposit: ONE_YOCTO, gas });
await refused('GOVERNANCE_STAKE_SHORT', () => unlock(41));

// All of that counts from the next period on, in the same amounts for all.
const pool: Governance.Pool | null = await governance.view.pool({ args: { line } });
assert.equal(pool?.books.held, near(95));
const stakeOf = ({ accountId: account }: Account) => governance.view.stake({ args: { line, account } });
const stake: Governance.Stake | null = await stakeOf(holder);
const { from_ms: countsMs, amount: locked } = stake?.locked.at(-1) ?? assert.fail('nothing is locked');
assert.equal(locked, near(60));
const given = await governance.view.delegate_of({ args: { line, account: delegate.accountId } });
assert.deepEqual(given?.received, [{ from_ms: countsMs, amount: near(20) }]);

// Who has a hundredth of it proposes, once it counts.
const content: Governance.ReleaseContent = {
  semver: '1.0.0',
  artifacts: [{ kind: 'oci_image', digest: createHash('sha256').update('the image').digest('hex'), bytes: 9 }],
  source_commit: '0123456789abcdef0123456789abcdef01234567',
  permissions,
  reversible: true,
};
const propose = (): Promise<number> =>
  governance.call.propose_release({ account: holder, args: { line, seq: 0, content }, deposit: STORAGE_DEPOSIT, gas });
await refused('GOVERNANCE_NOT_MEMBER', propose);
await until(countsMs);
const proposal = await propose();

// What is voted on, before anybody votes.
const shown = async (): Promise<Governance.Proposal> =>
  (await governance.view.proposal({ args: { proposal } })) ?? assert.fail('the proposal is gone');
const before = await shown();
assert(typeof before.kind === 'object' && 'release' in before.kind);
const [release] = await governance.view.releases({ args: { from: before.kind.release, limit: 1 } });
assert(release);
assert.deepEqual(release.content, content);
const content_hash = await contentHash(before, release);
assert.equal(before.content_hash, content_hash);
assert.deepEqual([before.stake?.snapshot_ms, before.stake?.all], [countsMs, near(95)]);
console.log(`proposal ${proposal}: ${release.content.semver}, ${content_hash}, decided by`, before.stake);

// Delegate and holder: who votes itself takes what it has delegated out of the delegate's vote.
const vote = (account: Account, choice: Governance.Choice, hash = content_hash) =>
  governance.call.vote({ account, args: { proposal, content_hash: hash, choice }, deposit: STORAGE_DEPOSIT, gas });
const votes = async () => [(await shown()).stake?.yes, (await shown()).stake?.no];
const ballot = () => governance.view.stake_ballot({ args: { proposal, account: delegate.accountId } });
await refused('GOVERNANCE_WRONG_CONTENT_HASH', () => vote(delegate, 'no', permissions));
await vote(delegate, 'no');
assert.deepEqual(await votes(), ['0', near(25)]);
assert.equal((await ballot())?.received, near(20));
await vote(holder, 'yes');
assert.deepEqual(await votes(), [near(60), near(5)]);
assert.deepEqual([(await ballot())?.own, (await ballot())?.received], [near(5), '0']);

// What is locked now is too late for this vote. Its owner's agent was there before, though, so it can object, once.
await lock(owner, 50);
await refused('GOVERNANCE_NO_VOTES', () => vote(owner, 'no'));
const object = () => governance.call.object({ account: owner, args: { proposal, agent }, deposit: ONE_YOCTO, gas });
await object();
await refused('GOVERNANCE_OBJECTED', object);
const after = await shown();
assert.deepEqual([after.owners, after.objections], [1, 1]);
assert.equal(after.eta_ms, before.eta_ms + params.timelock_ms, 'one in a hundred doubles the time to leave');

// Counted after the end, published after the timelock, by anybody.
const queue = () => governance.call.queue({ account: delegate, args: { proposal }, gas });
const publish = () => governance.call.publish({ account: delegate, args: { proposal }, gas });
await refused('GOVERNANCE_VOTE_RUNNING', queue);
await until(after.end_ms);
assert.equal(await queue(), 'queued');
await refused('GOVERNANCE_TOO_EARLY', publish);
await until(after.eta_ms);
await publish();
assert.equal((await shown()).state, 'executed');
const rollout: Governance.Rollout | null = await governance.view.rollout({ args: { line } });
assert.deepEqual([rollout?.release, rollout?.state, rollout?.owners], [release.id, 'running', 1]);
const told: Governance.ReleaseFor = await governance.view.release_for({ args: { agent } });
assert.deepEqual([told.reason, told.digests], ['head', content.artifacts.map(({ digest }) => digest)]);

// The money back: no longer delegated, unlocked, and the line's time later withdrawn.
await give(0);
const readyMs = await unlock(60);
const withdraw = () => governance.call.withdraw_stake({ account: holder, args: { line }, deposit: ONE_YOCTO, gas });
await refused('GOVERNANCE_NOTHING_READY', withdraw);
await until(readyMs);
const poor = await holder.getBalance();
assert.equal(await withdraw(), near(60));
assert((await holder.getBalance()) - poor > nearToYocto(59.9));
assert.equal(await stakeOf(holder), null);

console.log('all steps passed');
