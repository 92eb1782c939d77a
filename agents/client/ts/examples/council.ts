// A council's part from Node: node dist/examples/council.js RPC_URL ROOT_ID ROOT_KEY
//
// What `dao.ts` leaves out. An auditor finds a fault, and the release is taken back; the next one is rolled out; a
// third is accepted, fails and goes back; an agent's owner holds, frees and takes off her agent; the council
// changes; and one of Charter's contracts is upgraded. Minutes pass in moments, as on a test chain only.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Account, teraToGas } from 'near-api-js';
import { type Governance, ONE_YOCTO, STORAGE_DEPOSIT } from '../src/index.js';
import { number } from './bytes.js';
import { accounts, create, escrow, gas, governance, provider, refused, registry, root, until } from './chain.js';
import { contentHash } from './proposal.js';

const MINUTE_MS = 60_000;
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

const [chair, member, newcomer] = [await create('chair'), await create('member'), await create('newcomer')];
const [auditor, keeper, bot] = [await create('auditor'), await create('keeper'), await create('bot')];

// A line of two, on which a vote and the time to leave after it take a minute each: the least there is.
const params: Governance.Params = {
  vote_ms: MINUTE_MS,
  timelock_ms: MINUTE_MS,
  quorum_bps: 5_001,
  threshold_bps: 5_001,
};
const seats = (...people: Account[]) => people.map(({ accountId: account }) => ({ account, weight: 1 }));
const found = (vote_ms: number) =>
  governance.call.create_line({
    account: chair,
    args: { name: 'courier', council: seats(chair, member), params: { ...params, vote_ms } },
    deposit: STORAGE_DEPOSIT,
    gas,
  });
await refused('GOVERNANCE_BAD_PARAMS', () => found(MINUTE_MS - 1));
const line: number = await found(MINUTE_MS);
const lineNow = async (): Promise<Governance.Line> =>
  (await governance.view.line({ args: { line } })) ?? assert.fail('the line is gone');

// An agent on it whose own account speaks for it. Who calls for an agent prepays what is written, since such calls
// attach nothing or one yocto. The chair does, too, and will find out that it is not its agent.
const permissions = sha256('none');
const agent = await registry.call.register_agent({
  account: keeper,
  args: { card: { uri: 'https://keeper.example/card.json', sha256: permissions }, agent_account: bot.accountId },
  deposit: STORAGE_DEPOSIT,
  gas,
});
for (const account of [keeper, bot, chair]) {
  await governance.call.storage_deposit({ account, args: {}, deposit: STORAGE_DEPOSIT, gas });
}
const enroll = () =>
  governance.call.enroll({ account: keeper, args: { agent, line, accepted: permissions }, deposit: ONE_YOCTO, gas });
await enroll();
const told = (): Promise<Governance.ReleaseFor> => governance.view.release_for({ args: { agent } });
assert.equal((await told()).reason, 'no_release');

const contentOf = (semver: string): Governance.ReleaseContent => ({
  semver,
  artifacts: [{ kind: 'oci_image', digest: sha256(`courier ${semver}`), bytes: 9 }],
  source_commit: '0123456789abcdef0123456789abcdef01234567',
  permissions,
  reversible: true,
});
const propose = async (account: Account, semver: string): Promise<number> => {
  const { seq } = await lineNow();
  return governance.call.propose_release({
    account,
    args: { line, seq, content: contentOf(semver) },
    deposit: STORAGE_DEPOSIT,
    gas,
  });
};
const shown = async (proposal: number): Promise<Governance.Proposal> =>
  (await governance.view.proposal({ args: { proposal } })) ?? assert.fail(`proposal ${proposal} is gone`);
const releaseOf = async ({ kind }: Governance.Proposal): Promise<Governance.Release | undefined> =>
  'release' in kind ? (await governance.view.releases({ args: { from: kind.release, limit: 1 } }))[0] : undefined;
const cancel = (account: Account, proposal: number) => governance.call.cancel({ account, args: { proposal }, gas });

/** A vote for what was computed here, not for what the node says that it is. */
async function vote(account: Account, proposal: number, choice: Governance.Choice = 'yes'): Promise<void> {
  const known = await shown(proposal);
  const content_hash = await contentHash(known, await releaseOf(known));
  assert.equal(known.content_hash, content_hash);
  await governance.call.vote({ account, args: { proposal, content_hash, choice }, deposit: STORAGE_DEPOSIT, gas });
}

/** All of them say yes, the vote ends, and so does the time to leave. */
async function approved(proposal: number, ...council: Account[]): Promise<void> {
  for (const account of council) await vote(account, proposal);
  assert.equal((await shown(proposal)).yes, council.length);
  const { end_ms, eta_ms } = await shown(proposal);
  await until(end_ms);
  assert.equal(await governance.call.queue({ account: bot, args: { proposal }, gas }), 'queued');
  await until(eta_ms);
}

// Who looked at a release says so, of one of its artifacts and in one statement, and may take it back.
const faulty = await propose(chair, '1.0.0');
const { id: looked_at } = (await releaseOf(await shown(faulty))) ?? assert.fail('a proposal has its release');
const state = (digest: string, ok: boolean, release = looked_at) =>
  governance.call.state({
    account: auditor,
    args: { release, kind: 'audit', digest, ok, uri: 'https://auditor.example/courier.pdf', sha256: sha256('paper') },
    deposit: STORAGE_DEPOSIT,
    gas,
  });
const statement = () => governance.view.statement({ args: { release: looked_at, by: auditor.accountId } });
const [artifact] = contentOf('1.0.0').artifacts;
await refused('GOVERNANCE_WRONG_DIGEST', () => state(permissions, true));
await state(artifact!.digest, true);
assert.equal((await statement())?.ok, true);
await state(artifact!.digest, false);
const said: Governance.Statement | null = await statement();
assert.deepEqual([said?.ok, said?.kind, said?.digest], [false, 'audit', artifact!.digest]);
await governance.call.retract({ account: auditor, args: { release: looked_at }, deposit: ONE_YOCTO, gas });
assert.equal(await statement(), null);

// Who proposed it takes it back, and nobody votes on it any more.
await vote(member, faulty);
await refused('GOVERNANCE_NOT_PROPOSER', () => cancel(member, faulty));
await cancel(chair, faulty);
assert.equal((await shown(faulty)).state, 'cancelled');
await refused('GOVERNANCE_VOTE_ENDED', () => vote(member, faulty, 'no'));

// The next one passes. With a single owner there is one stage, as long as the timelock.
const publish = (proposal: number) => governance.call.publish({ account: member, args: { proposal }, gas });
const rollout = async (): Promise<Governance.Rollout> =>
  (await governance.view.rollout({ args: { line } })) ?? assert.fail('a line has a rollout');
const advance = (): Promise<Governance.RolloutState> =>
  governance.call.advance({ account: auditor, args: { line }, gas });
const report = (release: number, ok: boolean, account = bot) =>
  governance.call.report_health({
    account,
    args: { agent, release, digest: sha256(`courier ${release === first ? '1.0.1' : '1.1.0'}`), ok },
    gas,
  });
const reported = (release: number) => governance.view.report({ args: { release, owner: keeper.accountId } });
/** The stage's time is over, to the next whole minute. */
const stageOver = async () => until((await rollout()).since_ms + MINUTE_MS);

const good = await propose(chair, '1.0.1');
await approved(good, chair, member);
await publish(good);
const { release: first, state: begun } = await rollout();
assert.equal(begun, 'running');
assert.deepEqual([(await told()).release, (await told()).reason], [first, 'head']);
await refused('GOVERNANCE_STAGE_RUNNING', advance);
await stageOver();
await refused('GOVERNANCE_TOO_FEW_REPORTS', advance);
await refused('GOVERNANCE_NOT_AGENT', () => report(first, true, keeper));
await report(first, true);
assert.equal((await reported(first))?.ok, true);
assert.deepEqual([(await rollout()).ok, (await rollout()).failed], [1, 0]);
assert.equal(await advance(), 'done');

// How far the agent follows is its owner's business: pinned, at nothing, free again, frozen, and then by hand.
const choose = (wanted: Governance.Wanted, account = keeper) =>
  governance.call.choose({ account, args: { agent, wanted }, deposit: ONE_YOCTO, gas });
const enrolment = (): Promise<Governance.Enrolment | null> => governance.view.enrolment({ args: { agent } });
await refused('GOVERNANCE_NOT_OWNER', () => choose('unpin', chair));
await choose({ pin: 0 });
assert.deepEqual([(await told()).release, (await told()).reason], [null, 'pinned']);
await choose('unpin');
assert.equal((await told()).reason, 'head');
await governance.call.freeze({ account: keeper, args: { agent }, gas });
assert.deepEqual([(await enrolment())?.pin, (await told()).reason], [first, 'pinned']);
await choose('unpin');
await choose({ policy: 'manual' });
assert.deepEqual([(await enrolment())?.policy, (await enrolment())?.pin], ['manual', null]);

// A release that she accepts, and with which the agent is not well: one voice of one takes it back, once the stage is over.
const second = await propose(member, '1.1.0');
await approved(second, chair, member);
await publish(second);
const { release: later } = await rollout();
assert.deepEqual([(await lineNow()).head, (await told()).release, (await told()).reason], [later, first, 'manual']);
await choose({ accept: { release: later, permissions } });
assert.deepEqual([(await told()).release, (await told()).reason], [later, 'head']);
await report(later, false);
assert.deepEqual([(await reported(later))?.ok, (await rollout()).failed], [false, 1]);
await stageOver();
const { seq } = await lineNow();
assert.equal(await advance(), 'rolled_back');
assert.deepEqual([(await lineNow()).head, (await lineNow()).seq], [first, seq + 1]);
assert.equal((await told()).release, first);

// Off the line nobody decides what it runs.
const leave = (account: Account) => governance.call.leave({ account, args: { agent }, deposit: ONE_YOCTO, gas });
await refused('GOVERNANCE_NOT_OWNER', () => leave(chair));
await leave(keeper);
assert.equal(await enrolment(), null);
assert.deepEqual([(await told()).line, (await told()).reason], [null, 'unmanaged']);

// Another constitution: a member goes, another comes, and a guardian who may stop one thing.
const constitution: Governance.Constitution = {
  council: seats(chair, newcomer),
  params: { ...params, threshold_bps: 6_667 },
  guardian: auditor.accountId,
};
const version = (await lineNow()).version ?? 0;
const amendment: number = await governance.call.propose_amendment({
  account: chair,
  args: { line, version, constitution },
  deposit: STORAGE_DEPOSIT,
  gas,
});
const amend = () =>
  governance.call.amend({ account: newcomer, args: { proposal: amendment }, deposit: STORAGE_DEPOSIT, gas });
await refused('GOVERNANCE_NOT_APPROVED', amend);
await approved(amendment, chair, member);
await amend();
const amended = await lineNow();
assert.deepEqual(amended.council, constitution.council);
assert.deepEqual([amended.version, amended.params.threshold_bps], [version + 1, 6_667]);
await refused('GOVERNANCE_NOT_MEMBER', () => propose(member, '1.2.0'));
const stopped = await propose(newcomer, '1.2.0');
await approved(stopped, chair, newcomer);
await cancel(auditor, stopped);
assert.equal((await shown(stopped)).state, 'cancelled');
assert.equal((await lineNow()).guardian, null, 'once');
await refused('GOVERNANCE_NOT_APPROVED', () => publish(stopped));

// Code for one of Charter's contracts, by the council of line 1: to what it runs already, so that others can go on with it.
const { code } = await provider.viewContractCode({ contractId: accounts.escrow });
const replaces: Governance.Deployment = await escrow.view.deployment();
const upgrade: number = await governance.call.propose_upgrade({
  account: root,
  args: { contract: accounts.escrow, code_hash: sha256(code), replaces },
  deposit: STORAGE_DEPOSIT,
  gas,
});
/** `execute_upgrade` takes borsh: which proposal, and the code. The bytes are hashed on chain, and sent on once. */
const execute = (bytes: Uint8Array): Promise<boolean> =>
  bot.callFunction({
    contractId: accounts.governance,
    methodName: 'execute_upgrade',
    args: Buffer.concat([number(upgrade, 8), number(bytes.length, 4), bytes]),
    gas: teraToGas('300'),
  });
await refused('GOVERNANCE_NOT_APPROVED', () => execute(code));
await approved(upgrade, root);
await refused('GOVERNANCE_WRONG_CODE', () => execute(code.subarray(1)));
assert.equal(await execute(code), true);
assert.equal((await shown(upgrade)).state, 'executed');
const runs: Governance.Deployment = await escrow.view.deployment();
assert.deepEqual(runs, { number: replaces.number + 1, sha256: sha256(code) });
assert.equal(await escrow.view.governance(), accounts.governance);

console.log('all steps passed');
