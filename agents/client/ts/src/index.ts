// Charter's contracts for near-api-js. Methods, arguments and answers are typed from the contracts' own ABIs.
import { Contract, type Provider } from 'near-api-js';
import { abi as escrow } from './generated/escrow.abi.js';
import { abi as governance } from './generated/governance.abi.js';
import { abi as keys } from './generated/keys.abi.js';
import { abi as registry } from './generated/registry.abi.js';
import { abi as tasks } from './generated/tasks.abi.js';

export type * as Escrow from './generated/escrow.js';
export type * as Governance from './generated/governance.js';
export type * as Keys from './generated/keys.js';
export type * as Registry from './generated/registry.js';
export type * as Tasks from './generated/tasks.js';
export {
  escrow as escrowAbi,
  governance as governanceAbi,
  keys as keysAbi,
  registry as registryAbi,
  tasks as tasksAbi,
};

/** Where the contracts are. */
export interface Accounts {
  registry: string;
  keys: string;
  governance: string;
  escrow: string;
  tasks: string;
}

/** Where `charter deploy` puts them: below one account. */
export function accountsBelow(root: string): Accounts {
  return {
    registry: `registry.${root}`,
    keys: `keys.${root}`,
    governance: `governance.${root}`,
    escrow: `escrow.${root}`,
    tasks: `tasks.${root}`,
  };
}

/**
 * The contracts, with a method for every one of theirs: `registry.view.agent({ args: { agent: 1 } })`,
 * `registry.call.register_agent({ account, args, deposit })`. A refusal is an error whose text starts with its code.
 */
export function charter(provider: Provider, accounts: Accounts) {
  return {
    registry: new Contract({ abi: registry, contractId: accounts.registry, provider }),
    keys: new Contract({ abi: keys, contractId: accounts.keys, provider }),
    governance: new Contract({ abi: governance, contractId: accounts.governance, provider }),
    escrow: new Contract({ abi: escrow, contractId: accounts.escrow, provider }),
    tasks: new Contract({ abi: tasks, contractId: accounts.tasks, provider }),
  };
}

/** 1 yoctoNEAR: shows that a full-access key signed. */
export const ONE_YOCTO = 1n;
/** Enough for the storage of any single call; what is not needed comes back. */
export const STORAGE_DEPOSIT = 100_000_000_000_000_000_000_000n;

/** The stable code at the start of a contract's refusal: `REGISTRY_NOT_OWNER`. */
export function codeOf(error: unknown): string | undefined {
  const text = error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : JSON.stringify(error);
  return /\b((?:CHARTER|REGISTRY|KEYS|GOVERNANCE|ESCROW|TASKS)_[A-Z0-9_]+): /.exec(text)?.[1];
}
