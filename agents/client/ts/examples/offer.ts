// What a payee sells, and what that means for prices and channels: contracts/escrow/README.md. tests/example.mjs compares it
// with the vectors, since the chain only ever sees the hash.
import type { Escrow } from '../src/index.js';
import { hex, list, number, option, sha256, string, termsOf } from './bytes.js';

export interface Price {
  item: string;
  amount: string;
  units_max: number;
}

export interface Offer {
  payee: string;
  agent: number | null;
  service: string;
  asset: Escrow.Asset;
  prices: Price[];
  level: { answer_within_ms: number; availability_bps: number };
  expires_at_ms: number;
  /** Hash of the offer that this one follows. */
  parent: string | null;
}

const assetBytes = (asset: Escrow.Asset) =>
  asset === 'near' ? number(0, 1) : Buffer.concat([number(1, 1), string(asset.nep141)]);

/** What a channel is opened with as its `offer`. */
export const hashOf = (domain: Buffer, offer: Offer): string =>
  sha256(
    domain,
    string(offer.payee),
    option(offer.agent, (agent) => number(agent, 8)),
    string(offer.service),
    assetBytes(offer.asset),
    list(offer.prices, ({ item, amount, units_max }) =>
      Buffer.concat([string(item), number(BigInt(amount), 16), number(units_max, 8)]),
    ),
    number(offer.level.answer_within_ms, 8),
    number(offer.level.availability_bps, 2),
    number(offer.expires_at_ms, 8),
    option(offer.parent, hex),
  ).toString('hex');

/** What the payee's wallet shows and signs (NEP-413). */
export function payloadOf(domain: Buffer, escrow: string, offer: Offer) {
  const { payee, service, prices, expires_at_ms } = offer;
  const hash = hashOf(domain, offer);
  const message = [
    'Charter offer',
    `${payee} offers ${service} at ${prices.length} prices, through channels of ${escrow}.`,
    `Expires: ${expires_at_ms} ms after 1970-01-01 UTC`,
    `Offer: ${hash}`,
  ].join('\n');
  return { message, nonce: hex(hash), recipient: escrow };
}

type Terms = Pick<Escrow.Channel, 'payee' | 'asset' | 'terms_hash'>;

/** Whether a channel was opened for the offer, with these splits. */
export const isAgreed = (domain: Buffer, offer: Offer, channel: Terms, splits: Escrow.Split[] = []): boolean =>
  channel.terms_hash === termsOf(splits, hashOf(domain, offer)) &&
  channel.payee === offer.payee &&
  assetBytes(channel.asset ?? 'near').equals(assetBytes(offer.asset));

/** What a price is refused with, if it is. Both ends of a channel ask before they sign or take a voucher. */
export function refusalOf({ prices, expires_at_ms }: Offer, price: bigint, nowMs: number): string | null {
  if (price === 0n) return 'PAY_WRONG_PRICE';
  if (nowMs > expires_at_ms) return 'OFFER_ENDED';
  const costs = ({ amount, units_max }: Price) => {
    const units = price / BigInt(amount);
    return price % BigInt(amount) === 0n && units >= 1n && units <= BigInt(units_max);
  };
  return prices.some(costs) ? null : 'PAY_WRONG_PRICE';
}
