// What both ends of a payment channel do off chain, as docs/payments.md and contracts/escrow/README.md have it: for NEAR, with
// vouchers that never expire. They remember in memory only. Who moves real money has it on disk before it signs or
// answers, as the Rust client does.
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { type Account, KeyType, PublicKey } from 'near-api-js';
import type { Escrow } from '../src/index.js';
import { domainOf, hex, list, number } from './bytes.js';
import { accounts, escrow, gas, now, provider } from './chain.js';

/** Least time between a payer's wish to close and its end. */
export const WITHDRAW_DELAY_MS = 15 * 60_000;
/** A minute until a payee looks again, and one to claim: what could be over by then it does not take. */
const CLAIM_MS = 120_000;

/** What vouchers for this contract are signed under. */
export const voucherDomain = domainOf('charter/voucher', await provider.getNetworkId(), accounts.escrow);

/** A voucher key is no access key: whoever gets it can spend what is in the channel, for its payee, and nothing else. */
export function newVoucherKey(): { key: KeyObject; text: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const data = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return { key: privateKey, text: new PublicKey({ keyType: KeyType.ED25519, data }).toString() };
}

export interface Voucher {
  channel: string;
  /** All that was ever promised on the channel, this payment included. */
  cumulative: bigint;
  counter: number;
  signature: Buffer;
}

const NEVER = number(0, 8);
const NO_CONTEXT = Buffer.alloc(32);
const HEAD = Buffer.concat([number(2 ** 31 + 0x434854, 4), number(1, 1), number(0, 1)]);

/** The 134 bytes that are signed. */
const bytesOf = ({ channel, cumulative, counter }: Omit<Voucher, 'signature'>) =>
  Buffer.concat([HEAD, voucherDomain, hex(channel), number(cumulative, 16), NEVER, number(counter, 8), NO_CONTEXT]);

/** What a price is refused with: both ends have one, if they agreed on prices. */
export type PriceRule = (price: bigint, nowMs: number) => string | null;

export interface Seen {
  channel: Escrow.Channel;
  atMs: number;
}

/** A channel as the chain shows it. The time is asked for first: too early is on the safe side. */
export async function see(channel: string): Promise<Seen> {
  const atMs = await now();
  const shown = await escrow.view.channel({ args: { channel }, blockQuery: { finality: 'final' } });
  if (shown === null) throw new Error(`ESCROW_UNKNOWN_CHANNEL: ${channel}`);
  return { channel: shown, atMs };
}

export class Payer {
  #promised = 0n;
  #counter = 0;

  constructor(
    readonly key: KeyObject,
    readonly seen: Seen,
    readonly refuses: PriceRule = () => null,
  ) {}

  /** Promises `price` more. */
  pay(price: bigint, nowMs: number): Voucher {
    const refused = this.refuses(price, nowMs);
    if (refused) throw new Error(refused);
    const cumulative = this.#promised + price;
    if (cumulative > BigInt(this.seen.channel.deposited)) throw new Error('ESCROW_OVER_DEPOSIT');
    this.#promised = cumulative;
    this.#counter += 1;
    const voucher = { channel: this.seen.channel.id, cumulative, counter: this.#counter };
    return { ...voucher, signature: sign(null, bytesOf(voucher), this.key) };
  }
}

export class Payee {
  readonly #key: KeyObject;
  #last: { voucher: Voucher; price: bigint } | null = null;

  constructor(
    readonly seen: Seen,
    readonly refuses: PriceRule = () => null,
  ) {
    const x = Buffer.from(PublicKey.from(seen.channel.voucher_key).data).toString('base64url');
    this.#key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  }

  /** The one voucher to claim: it has all that came before in it. */
  get last(): Voucher {
    if (this.#last === null) throw new Error('nothing was paid');
    return this.#last.voucher;
  }

  /**
   * Whether a voucher pays `price`: `accepted`, `repeat` for the last one once more, which pays once, or the code that
   * refuses it. In this order, so that what costs most comes late.
   */
  accept(voucher: Voucher, price: bigint, nowMs: number): string {
    const { id, closed, closes_ms, locked_until_ms, withdraw_delay_ms, deposited, claimed } = this.seen.channel;
    if (closed || voucher.channel !== id) return 'ESCROW_UNKNOWN_CHANNEL';
    const bytes = bytesOf(voucher);
    // Not KeyPair.verify of near-api-js, which takes signatures that the chain refuses (ZIP 215).
    const signed = () => verify(null, bytes, this.#key, voucher.signature);
    if (this.#last && bytesOf(this.#last.voucher).equals(bytes)) {
      if (!signed()) return 'ESCROW_BAD_SIGNATURE';
      return this.#last.price === price ? 'repeat' : 'PAY_NOT_NEXT';
    }
    // Its payer may have asked to close right after we looked.
    const endsMs = Math.max(closes_ms ?? this.seen.atMs + withdraw_delay_ms, locked_until_ms ?? 0);
    if (nowMs + CLAIM_MS >= endsMs) return 'ESCROW_CLOSING';
    if (voucher.cumulative > BigInt(deposited)) return 'ESCROW_OVER_DEPOSIT';
    if (voucher.cumulative === 0n) return 'ESCROW_NOT_HIGHER';
    const refused = price === 0n ? 'PAY_WRONG_PRICE' : this.refuses(price, nowMs);
    if (refused) return refused;
    if (!signed()) return 'ESCROW_BAD_SIGNATURE';
    if (voucher.cumulative !== (this.#last?.voucher.cumulative ?? BigInt(claimed)) + price) return 'PAY_NOT_NEXT';
    this.#last = { voucher, price };
    return 'accepted';
  }
}

/** Presents vouchers, anybody's, and has what is due to `account` sent to it. `claim_batch` takes borsh. */
export function claim(account: Account, vouchers: Voucher[]): Promise<Escrow.ClaimResult[]> {
  const rows = list(vouchers, ({ channel, cumulative, counter, signature }) =>
    Buffer.concat([hex(channel), number(cumulative, 16), NEVER, number(counter, 8), NO_CONTEXT, signature]),
  );
  const args = Buffer.concat([rows, number(1, 1)]);
  return account.callFunction({ contractId: accounts.escrow, methodName: 'claim_batch', args, gas });
}
