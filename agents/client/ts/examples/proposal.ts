// What a vote repeats: the hash of all that is voted on, computed from what a node shows (contracts/types, `ContentSeed`).
import type { Governance } from '../src/index.js';
import { domainOf, hex, list, number, option, sha256, string } from './bytes.js';
import { accounts, provider } from './chain.js';

const KINDS: Governance.ArtifactKind[] = ['near_wasm', 'oci_image', 'tee_measurement', 'model_weights', 'source'];

const contentOf = ({ semver, artifacts, source_commit, permissions, reversible }: Governance.ReleaseContent) =>
  Buffer.concat([
    string(semver),
    list(artifacts, ({ kind, digest, bytes }) =>
      Buffer.concat([number(KINDS.indexOf(kind), 1), hex(digest), number(bytes, 8)]),
    ),
    string(source_commit),
    hex(permissions),
    number(Number(reversible), 1),
  ]);

const assetOf = (asset: Governance.Asset) =>
  asset === 'near' ? number(0, 1) : Buffer.concat([number(1, 1), string(asset.nep141)]);

const constitutionOf = ({ council, params, guardian, stake }: Governance.Constitution) =>
  Buffer.concat([
    list(council, ({ account, weight }) => Buffer.concat([string(account), number(weight, 8)])),
    number(params.vote_ms, 8),
    number(params.timelock_ms, 8),
    number(params.quorum_bps, 2),
    number(params.threshold_bps, 2),
    number(params.extension_ms ?? 0, 8),
    number(BigInt(params.proposal_bond ?? 0), 16),
    number(BigInt(params.enrolment_bond ?? 0), 16),
    option(guardian ?? null, string),
    option(stake ?? null, ({ asset, unlock_ms, floor }) =>
      Buffer.concat([assetOf(asset), number(unlock_ms, 8), number(BigInt(floor), 16)]),
    ),
  ]);

function kindOf(kind: Governance.ProposalKind): Buffer {
  if ('release' in kind) return Buffer.concat([number(0, 1), number(kind.release, 8)]);
  if ('amendment' in kind) return Buffer.concat([number(2, 1), constitutionOf(kind.amendment)]);
  const { contract, code_hash } = kind.contract_upgrade;
  return Buffer.concat([number(1, 1), string(contract), hex(code_hash)]);
}

/** A node that shows one thing and has another voted for is found out. */
export async function contentHash(
  { id, line, kind, base, replaces }: Governance.Proposal,
  release?: Governance.Release,
): Promise<string> {
  return sha256(
    domainOf('charter/governance/content', await provider.getNetworkId(), accounts.governance),
    number(id, 8),
    number(line, 8),
    kindOf(kind),
    // The line's seq or version as it was seen.
    option(base ?? null, (base) => number(base, 8)),
    option(release ?? null, ({ content }) => contentOf(content)),
    // The deployment in whose place the code comes.
    option(replaces ?? null, ({ number: count, sha256: code }) => Buffer.concat([number(count, 8), hex(code)])),
  ).toString('hex');
}
