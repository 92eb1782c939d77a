// Never run: it has to compile. Each line below `@ts-expect-error` is an error only as long as the types know better;
// if one of them becomes `any`, the compiler says that it expected an error and found none.
import type { Account, Provider } from 'near-api-js';
import { type Governance, type Keys, accountsBelow, charter } from '../src/index.js';

export async function types(provider: Provider, account: Account): Promise<void> {
  const { registry, keys, escrow, governance } = charter(provider, accountsBelow('root.near'));
  const agent = await registry.view.agent({ args: { agent: 1 } });
  // @ts-expect-error there may be none
  agent.owner;
  // @ts-expect-error no such field
  agent?.ownr;
  // @ts-expect-error ids are numbers
  await registry.view.agent({ args: { agent: '1' } });
  // @ts-expect-error no such view
  await registry.view.agnet({ args: { agent: 1 } });
  // @ts-expect-error the agent is missing
  await registry.call.retire({ account, args: {} });
  // @ts-expect-error 128-bit numbers are strings
  await keys.call.settle({ account, args: { lease: 1, used: 1 } });
  // @ts-expect-error no such effect
  const effects: Keys.Policy['effects'] = ['look'];
  // @ts-expect-error a decision is one of three
  const decision: Awaited<ReturnType<typeof keys.view.check>> = { maybe: true };
  // @ts-expect-error balances are strings
  const held: number = (await escrow.view.totals()).held;
  // @ts-expect-error a list of lines, not one
  (await governance.view.lines()).name;
  // @ts-expect-error what is locked is a string, in yocto
  await governance.call.lock({ account, args: { line: 2, amount: 1 } });
  // @ts-expect-error NEAR, or a token by its contract
  const asset: Governance.Asset = { nep245: 'token.near' };
  // @ts-expect-error the council may decide, and not stake
  (await governance.view.proposal({ args: { proposal: 1 } }))?.stake.all;
  // @ts-expect-error an agent is pinned at a release, by its id
  const wanted: Governance.Wanted = { pin: '1.0.0' };
  // @ts-expect-error a constitution has rules of voting
  await governance.call.propose_amendment({ account, args: { line: 2, version: 0, constitution: { council: [] } } });
  void [asset, decision, effects, held, wanted];
}
